"""The name of this process in a cluster."""

from __future__ import annotations

import re
import socket

from .launch_flags import Settings

DEFAULT_PORT = 7865
MAX_LENGTH = 40


def node_name(settings: Settings) -> str:
    """Return the name of the flag, or one of the machine's name and the port."""
    if settings.node_name:
        return settings.node_name
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname().partition(".")[0]).lstrip("._-") or "node"
    suffix = f"-{settings.port or DEFAULT_PORT}"
    return host[: MAX_LENGTH - len(suffix)] + suffix
