"""Environments, builders and processes that several suites use."""
