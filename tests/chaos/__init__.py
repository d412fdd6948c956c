"""A package, so that its world is a package-scoped fixture."""
