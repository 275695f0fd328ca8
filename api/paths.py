"""The paths that are ours on a port shared with the WebUI. Light to import: it is needed before Fooocus's own imports."""

PATHS = frozenset({"docs", "inputs", "outputs", "tasks", "v1"})
"""First parts of our paths."""
