"""Command line of consumption: run the service or migrate its schema."""

from libs.kit import main
from services.consumption.service import SERVICE

main(SERVICE)
