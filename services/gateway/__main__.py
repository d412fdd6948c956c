"""Runs the gateway: `python -m services.gateway [migrate]`."""

from libs.kit import main
from services.gateway.service import SERVICE

main(SERVICE)
