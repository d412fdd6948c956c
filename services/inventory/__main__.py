"""Run the ledger of goods, or migrate its schema."""

from libs.kit import main
from services.inventory.service import SERVICE

main(SERVICE)
