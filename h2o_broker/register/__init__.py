"""ZooKeeper's side of the broker: what the register says, what counts of it, and what it is told."""
