"""Names of upscalers."""

from __future__ import annotations

NONE, LANCZOS, NEAREST, FOOOCUS = "None", "Lanczos", "Nearest", "Fooocus"
UPSCALERS = {NONE: 4.0, LANCZOS: 4.0, NEAREST: 4.0, FOOOCUS: 4.0}
"""Name → the largest factor without a loss. The first one must be `None`: clients insert theirs behind it."""


def upscaler_named(name: str | None) -> str:
    """Return the upscaler of a name, in any case: Fooocus's for all that are not among those listed."""
    written = (name or NONE).strip().casefold()
    return next((one for one in UPSCALERS if one.casefold() == written), FOOOCUS)
