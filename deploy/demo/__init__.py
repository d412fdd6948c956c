"""A demo: a year of real households on the running system, in minutes."""
