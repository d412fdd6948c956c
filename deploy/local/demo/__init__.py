"""A year of real households, lived through the running system in minutes."""
