"""Statements about the options that clients set for their later requests. Run by the repository's `read` and `write`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...encoding import as_json
from ...tables import ClientOptionRow


def options_of(source: str, surface: str) -> dict[str, Any]:
    """Return name → value of the options that a source has set on a compatible API."""
    rows = ClientOptionRow.select(ClientOptionRow.name, ClientOptionRow.value).where(_of(source, surface))
    return {name: json.loads(value) for name, value in rows.tuples()}


def set_options(source: str, surface: str, options: Mapping[str, Any]) -> None:
    """Set options, and delete those whose value is None. Changes the database."""
    if not options:
        return
    ClientOptionRow.delete().where(_of(source, surface) & ClientOptionRow.name.in_(list(options))).execute()
    for name, value in options.items():
        if value is not None:
            ClientOptionRow.insert(source=source, surface=surface, name=name, value=as_json(value)).execute()


def _of(source: str, surface: str) -> Any:
    return (ClientOptionRow.source == source) & (ClientOptionRow.surface == surface)
