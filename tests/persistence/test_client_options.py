"""Options that clients of compatible APIs set, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

from fooocus_api.db.repository import Repository
from fooocus_api.tasks.storage.client_options import ClientOptions
from fooocus_api.tests.support.databases.databases import Place

Options = dict[str, Any]


def test_each_source_has_its_own_options_which_outlast_a_restart(place: Place) -> None:
    repository = Repository(place.location)
    options = ClientOptions(repository)

    async def work() -> None:
        await options.set("anna", "a1111", {"sd_vae": "a.safetensors", "clip": 1.5, "list": ["ä", None]})
        await options.set("ben", "a1111", {"sd_vae": "b.safetensors"})
        await options.set("anna", "other", {"sd_vae": "c.safetensors"})
        await options.set("anna", "a1111", {"clip": None, "list": [], "none": None})
        await options.set("anna", "a1111", {})

    asyncio.run(work())
    repository.close()
    repository = Repository(place.location)
    options = ClientOptions(repository)

    async def read(source: str, surface: str = "a1111") -> Options:
        return await options.of(source, surface)

    assert asyncio.run(read("anna")) == {"sd_vae": "a.safetensors", "list": []}
    assert asyncio.run(read("ben")) == {"sd_vae": "b.safetensors"}
    assert asyncio.run(read("anna", "other")) == {"sd_vae": "c.safetensors"}
    assert asyncio.run(read("zoe")) == {}
    repository.close()


def test_a_database_without_the_table_gets_it(place: Place) -> None:
    Repository(place.location).close()
    place.execute("DROP TABLE client_option")
    place.execute("UPDATE schema_version SET version = 10")
    repository = Repository(place.location)
    asyncio.run(ClientOptions(repository).set("anna", "a1111", {"a": 1}))
    assert place.execute("SELECT source, surface, name, value FROM client_option") == [("anna", "a1111", "a", "1")]
    repository.close()
