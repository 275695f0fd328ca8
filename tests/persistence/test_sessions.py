"""Rows of signed-in browsers, on SQLite and PostgreSQL: how long they last, and how many a key has."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from fooocus_api.auth.keys import Key, digest_of
from fooocus_api.db.repository import Repository
from fooocus_api.tasks.storage.session_store import SessionStore
from fooocus_api.tasks.storage.sessions import LIFETIME_S, MAX_PER_KEY, RENEWAL_S, Sessions
from fooocus_api.tests.support.databases.databases import Place

T = TypeVar("T")
ANN, BEN = Key("ann", digest_of(b"ann's")), Key("ben", digest_of(b"ben's"))
NEW_ANN = Key("ann", digest_of(b"another of ann"))


@dataclass
class World:
    """A database, the keys that exist, and the time in seconds."""

    place: Place
    repository: Repository
    now: float = 1_000_000.0
    keys: list[Key] = field(default_factory=lambda: [ANN, BEN])

    def sessions(self) -> Sessions:
        """Return the sessions as a new process has them."""
        return Sessions(
            SessionStore(self.repository),
            lambda name: [key for key in self.keys if key.name == name],
            b"secret",
            lambda: self.now,
        )

    def rows(self) -> list[tuple[Any, ...]]:
        return self.place.execute("SELECT key_name, expires_at FROM browser_session ORDER BY created_at")


@pytest.fixture
def world(place: Place) -> Iterator[World]:
    repository = Repository(place.location)
    yield World(place, repository)
    repository.close()


def done(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def opened(sessions: Sessions, key: Key = ANN, instead_of: str | None = None) -> str:
    return done(sessions.open(key, is_secure=False, instead_of=instead_of))[0]


def key_of(sessions: Sessions, identifier: str) -> Key | None:
    done(sessions.load())
    found = sessions.find(identifier)
    return None if found is None else found[1]


def test_a_session_is_found_after_a_restart_and_its_id_is_nowhere(world: World) -> None:
    identifier = opened(world.sessions())
    assert key_of(world.sessions(), identifier) == ANN and key_of(world.sessions(), "x" * 43) is None
    stored = str(world.place.execute("SELECT * FROM browser_session"))
    assert identifier not in stored and ANN.digest not in stored


def test_it_lasts_as_long_as_it_is_renewed(world: World) -> None:
    sessions = world.sessions()
    identifier = opened(sessions)
    world.now += RENEWAL_S - 1
    session, _ = sessions.find(identifier) or pytest.fail("it has ended")
    assert done(sessions.renew(session)) == session, "written at most once an hour"
    world.now += LIFETIME_S - RENEWAL_S
    renewed = done(sessions.renew(session))
    assert renewed.expires_at == int((world.now + LIFETIME_S) * 1000)
    world.now += LIFETIME_S - 1
    assert key_of(sessions, identifier) == key_of(world.sessions(), identifier) == ANN
    world.now += 2
    assert key_of(sessions, identifier) is key_of(world.sessions(), identifier) is None


def test_it_ends_with_its_key_and_by_another_one_of_the_same_name(world: World) -> None:
    sessions = world.sessions()
    identifier = opened(sessions)
    world.keys[0] = NEW_ANN
    assert key_of(sessions, identifier) is key_of(world.sessions(), identifier) is None
    assert done(sessions.numbers([ANN, NEW_ANN, BEN])) == [1, 0, 0]
    opened(sessions, BEN)
    assert [name for name, _ in world.rows()] == ["ben"], "a row without its key is pruned"


def test_expired_rows_are_pruned(world: World) -> None:
    sessions = world.sessions()
    opened(sessions)
    world.now += LIFETIME_S + 1
    opened(world.sessions(), BEN)
    assert [name for name, _ in world.rows()] == ["ben"]


def test_a_key_has_a_bounded_number(world: World) -> None:
    sessions = world.sessions()
    first = opened(sessions)
    others = []
    for _ in range(MAX_PER_KEY):
        world.now += 1
        others.append(opened(sessions))
    other = opened(sessions, BEN)
    assert key_of(sessions, first) is None and key_of(world.sessions(), first) is None
    assert all(key_of(sessions, each) == ANN for each in others) and key_of(sessions, other) == BEN
    assert done(sessions.numbers([ANN, BEN])) == [MAX_PER_KEY, 1] and len(world.rows()) == MAX_PER_KEY + 1


def test_closing_ends_it_for_good(world: World) -> None:
    sessions = world.sessions()
    one, two, three = opened(sessions), opened(sessions), opened(sessions, BEN)
    done(sessions.close(one))
    assert key_of(sessions, one) is key_of(world.sessions(), one) is None and key_of(sessions, two) == ANN
    assert done(sessions.close_all(ANN)) == 1 and key_of(sessions, two) is None
    assert key_of(world.sessions(), three) == BEN and [name for name, _ in world.rows()] == ["ben"]
    again = opened(sessions, BEN, instead_of=three)
    assert key_of(sessions, three) is None and key_of(sessions, again) == BEN
