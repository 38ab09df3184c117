"""`script/demo`: three hosts in two zones on one real ZooKeeper, the example packages, traffic, and the console."""
