"""The command line of a gateway: those of the extension's flags that mean something without Fooocus."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import cast

from ..adapters.startup.launch_flags import Settings, add_flags, read_settings

USED = frozenset(
    {
        *("apikey", "apikey_file", "base_url", "api_cors", "link_ttl", "log_json", "log_level", "api_db"),
        *("keep_days", "keep_count", "schedule", "max_overtakes", "max_overtake_seconds", "max_pending"),
        *("allow_private_urls", "compat", "no_dashboard"),
        *("webhook_url", "webhook_secret", "webhook_retry_seconds", "webhook_timeout"),
        *("node_name", "api_files", "node_timeout"),
    }
)
"""Names of the settings that a gateway has."""
PORT = 7865
LISTEN = "The address to listen on; without one, all of this machine. Default: 127.0.0.1."


def read_flags(flags: Sequence[str]) -> Settings:
    """Return the settings of a gateway.

    Raises:
        SystemExit: a flag is unknown or its value invalid; the reason is on stderr.
    """
    parser = argparse.ArgumentParser(
        "extension.py gateway",
        description="Serves the API, the dashboard and the guide of a cluster, without Fooocus.",
        allow_abbrev=False,
    )
    address = parser.add_argument_group("Address")
    address.add_argument("--listen", nargs="?", const="0.0.0.0", default="127.0.0.1", metavar="IP", help=LISTEN)  # nosec B104
    address.add_argument("--port", type=int, default=PORT, help=f"The port. Default: {PORT}.")
    add_flags(cast(ModuleType, SimpleNamespace(parser=parser)), USED)
    settings = read_settings(parser.parse_args(flags))
    if not settings.api_db or not settings.api_db.startswith("postgres"):
        parser.error("--api-db is needed: the PostgreSQL of the nodes, as in postgresql://user:password@host/name")
    if not settings.api_files:
        parser.error("--api-files is needed: the folder that the nodes share for images, or s3://bucket/prefix")
    return settings
