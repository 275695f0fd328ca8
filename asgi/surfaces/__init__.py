"""The compatible APIs: their names and paths, and middleware for the requests to them."""
