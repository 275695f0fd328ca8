"""The paths that are ours on a port shared with the WebUI. Light to import: it is needed before Fooocus's own imports."""

PATHS = frozenset({"docs", "healthz", "inputs", "metrics", "outputs", "readyz", "tasks", "v1"})
"""First parts of our paths."""
