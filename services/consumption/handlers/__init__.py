"""Handlers of the events that consumption consumes."""
