"""Command line of inventory: run the service or migrate its schema."""

from libs.kit import main
from services.inventory.service import SERVICE

main(SERVICE)
