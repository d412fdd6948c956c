"""A package, so that its parts have the names they are imported by."""
