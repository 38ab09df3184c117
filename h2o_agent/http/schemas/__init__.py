"""The shapes of the agent's JSON answers, as JSON Schema: one module a family of paths."""
