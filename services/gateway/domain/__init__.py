"""Decides what a report says and whether to believe it; touches nothing outside."""
