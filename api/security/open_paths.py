"""Paths that need no key."""

from __future__ import annotations

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/ping"})
"""Health checks, which process supervisors request without a key, and the one of Fooocus-API's clients."""
