"""The one agent of a fleet that runs what must outlive every console: expiries, later rollouts and placement."""
