"""Events and topics that services and partners exchange, and everything derived from them."""
