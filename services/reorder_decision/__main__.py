"""Run reorder decisions, or migrate their schema."""

from libs.kit import main
from services.reorder_decision.service import SERVICE

main(SERVICE)
