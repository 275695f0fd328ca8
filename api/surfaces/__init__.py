"""The compatible APIs in one place: their dispatch, each built at its first request, and the shapes of their errors."""
