"""Refuses what changes this machine's files while other machines can reach the server and no API key is configured."""

from __future__ import annotations

from typing import Any

from fastapi import Depends

from ...asgi.error_codes import ErrorCode
from ..context import ApiContext
from ..responses.problems import Problem


async def _refuse_if_exposed(context: ApiContext) -> None:  # async: one stat call, too short to need a thread
    security = context.security
    if security.is_exposed and not security.keys.needed():
        message = (
            "other machines can reach this server, and it has no API key; add one with --apikey KEY, or with "
            "`extension.py keys add NAME --scopes admin`"
        )
        raise Problem(ErrorCode.KEY_REQUIRED, message)


KEY_IF_EXPOSED: Any = Depends(_refuse_if_exposed)
"""A route's dependency. It follows the check of the scope, which a route without a key always passes."""
