"""The API of the older Fooocus-API, for its clients."""
