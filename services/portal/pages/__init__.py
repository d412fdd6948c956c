"""View models of the page (cards) and their HTML."""

from services.portal.pages.board import Board, Household, build_board
from services.portal.pages.rendering import STATIC, Static, render

__all__ = ["STATIC", "Board", "Household", "Static", "build_board", "render"]
