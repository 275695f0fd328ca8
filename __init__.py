"""Fooocus API: a REST API that lives inside an unmodified Fooocus. Loaded as `fooocus_api` wherever this folder lies."""

__version__ = "1.0.0"
