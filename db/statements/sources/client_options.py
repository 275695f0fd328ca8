"""Statements about the options that clients set for their later requests. Run by the repository's `read` and `write`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from peewee import EXCLUDED

from ...encoding import as_json
from ...tables import ClientOptionRow


def options_of(source: str, surface: str) -> dict[str, Any]:
    """Return name → value of the options that a source has set on a compatible API."""
    rows = ClientOptionRow.select(ClientOptionRow.name, ClientOptionRow.value).where(_of(source, surface))
    return {name: json.loads(value) for name, value in rows.tuples()}


def set_options(source: str, surface: str, options: Mapping[str, Any]) -> None:
    """Set options, and delete those whose value is None. Changes the database."""
    key = [ClientOptionRow.source, ClientOptionRow.surface, ClientOptionRow.name]
    for name, value in sorted(options.items(), key=lambda option: option[0]):  # in one order in all processes
        if value is None:
            ClientOptionRow.delete().where(_of(source, surface) & (ClientOptionRow.name == name)).execute()
        else:
            row = ClientOptionRow.insert(source=source, surface=surface, name=name, value=as_json(value))
            row.on_conflict(conflict_target=key, update={ClientOptionRow.value: EXCLUDED.value}).execute()


def _of(source: str, surface: str) -> Any:
    return (ClientOptionRow.source == source) & (ClientOptionRow.surface == surface)
