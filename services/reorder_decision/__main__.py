"""Run reorder decision, or migrate its schema."""

from libs.kit import main
from services.reorder_decision.service import SERVICE

main(SERVICE)
