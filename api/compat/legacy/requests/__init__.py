"""Requests of Fooocus-API's clients, in terms of a generate request."""
