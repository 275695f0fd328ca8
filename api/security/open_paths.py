"""Paths that need no key. The dashboard's files, below `/dashboard`, are served before the API."""

from __future__ import annotations

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/ping"})
"""Health checks, which process supervisors request without a key, and the one of Fooocus-API's clients."""
SESSION = "/v1/session"
"""A path at which a key is recognised, but not needed: a browser asks there for its rights, and signs in."""
