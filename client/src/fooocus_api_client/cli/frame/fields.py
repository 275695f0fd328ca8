"""Fields of a request as text."""

from __future__ import annotations

import json
from typing import Any


def parsed_field(text: str) -> tuple[str, Any]:
    """Return the name and the value of `name=value`. The value is JSON if it can be, otherwise a text.

    Raises:
        ValueError: the text has no name or no value.
    """
    name, equals, value = text.partition("=")
    if not (name.strip() and equals):
        raise ValueError(f"{text!r} is not NAME=VALUE; write it as in guidance_scale=7")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
