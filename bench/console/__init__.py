"""Group ``console``: what the console costs, and how fast it answers, in front of a simulated fleet."""
