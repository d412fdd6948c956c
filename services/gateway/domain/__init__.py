"""Parsing and validation of reports, rate limits and the encoding of records; pure."""
