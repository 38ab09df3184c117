"""The agent's HTTP service. One module a family of paths, each with a `routes`; `app` puts them together."""
