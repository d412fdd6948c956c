"""Formats of reports over HTTP: plain JSON and CloudEvents."""
