"""Tiny random-weight models for a Fooocus checkout; they run in Fooocus's own Python, without this project's package."""
