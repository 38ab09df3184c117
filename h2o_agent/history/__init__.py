"""What the host has counted, by time: 1 s and 10 s in memory, 1 min on disk."""
