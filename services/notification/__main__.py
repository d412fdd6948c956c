"""Run notification, or migrate its schema."""

from libs.kit import main
from services.notification.service import SERVICE

main(SERVICE)
