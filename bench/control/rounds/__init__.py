"""One module a round, each with a ``ROUND``; `bench.control.group` finds them by itself."""
