"""The HTTP layer: routes, schemas, errors. It calls the domain, never the host."""
