"""Command-line entry point: `python -m services.portal [migrate]`."""

from libs.kit import main
from services.portal.service import SERVICE

main(SERVICE)
