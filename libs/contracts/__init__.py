"""What services and partners say to each other: events, topics and everything derived from them."""
