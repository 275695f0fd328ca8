"""Protocols that the host's adapters implement for the domain."""
