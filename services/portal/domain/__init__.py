"""What the portal decides: who may be registered and how things are said; touches nothing outside."""
