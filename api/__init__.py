"""HTTP only: routes, schemas, errors. Calls the domain, never the host."""
