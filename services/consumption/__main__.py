"""Run the slots' levels, or migrate their schema."""

from libs.kit import main
from services.consumption.service import SERVICE

main(SERVICE)
