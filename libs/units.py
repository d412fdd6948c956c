"""Quantities and money as whole numbers: what a step is and how words from outside become steps."""

from enum import StrEnum


class BaseUnit(StrEnum):
    """What one step of a slot measures, by its UN/CEFACT Recommendation 20 code."""

    EACH = "C62"
    GRAM = "GRM"
    MILLILITRE = "MLT"
    PERCENT = "P1"
