"""Options that the clients of compatible APIs set for their later requests, by source: a key's are its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from ...db.repository import Repository
from ...db.statements.sources import client_options


class ClientOptions:
    """The options of one compatible API, in the database."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def of(self, source: str, surface: str) -> dict[str, Any]:
        """Return name → value of the options that a source has set.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        reading = self._repository.submit_read(partial(client_options.options_of, source, surface))
        return await asyncio.wrap_future(reading)

    async def set(self, source: str, surface: str, options: Mapping[str, Any]) -> None:
        """Set options of a source, each a value of JSON; None deletes one.

        Raises:
            DatabaseUnavailable: the history can't be written.
        """
        writing = self._repository.write(partial(client_options.set_options, source, surface, dict(options)))
        await asyncio.wrap_future(writing)
