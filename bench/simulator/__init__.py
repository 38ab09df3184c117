"""A fleet of which everything that a console can ask is real, but for the brokers and the requests."""
