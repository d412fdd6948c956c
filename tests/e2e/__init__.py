"""A package, so that its company is a fixture of it: started with its first test, stopped after its last."""
