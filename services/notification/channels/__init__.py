"""Ways to reach people: one channel, one file."""
