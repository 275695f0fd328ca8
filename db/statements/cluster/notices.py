"""Notices about changes that no trigger sees. Run by the repository's `write`: they leave with the transaction."""

from __future__ import annotations

import json
from typing import Any

from ...tables import database, shard
from . import raw

CHANGES_CHANNEL = "fooocus_changes"
"""Channel of the notices about changed rows."""


def notify_others(content: dict[str, Any]) -> None:
    """Announce a change to all processes of a cluster, this one included. Do nothing without a cluster."""
    if shard.is_one_of_several:
        raw.change(database, "SELECT pg_notify(%s, %s)", (CHANGES_CHANNEL, json.dumps(content)))
