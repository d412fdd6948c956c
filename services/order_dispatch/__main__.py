"""Run order_dispatch, or migrate its schema."""

from libs.kit import main
from services.order_dispatch.service import SERVICE

main(SERVICE)
