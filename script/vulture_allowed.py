"""Names that only others use: vulture reads this list and stops asking. Each line says who uses the name."""
