"""An API that is built after its server answers: requests wait for it, and none fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from fooocus_api.asgi.late import LateApp
from fooocus_api.db.drivers import DRIVERS, needs_driver, without_drivers


def app_named(name: str) -> Callable[..., Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(name)

    return app


async def ask(app: LateApp) -> list[str]:
    answers: list[str] = []

    async def send(message: Any) -> None:
        answers.append(message)

    await app({"type": "http"}, None, send)
    return answers


def unexpected(error: Exception) -> Callable[..., Any]:
    raise AssertionError(error)


def test_requests_wait_without_holding_the_loop() -> None:
    go = threading.Event()

    def build() -> Callable[..., Any]:
        assert go.wait(10)
        return app_named("built")

    async def main() -> list[list[str]]:
        late = LateApp(build, unexpected)
        early = [asyncio.create_task(ask(late)) for _ in range(3)]
        await asyncio.sleep(0)
        early[0].cancel()
        go.set()  # only a free loop comes here
        answers = await asyncio.gather(*early[1:])
        return [*answers, await ask(late)]

    assert asyncio.run(main()) == [["built"]] * 3


def test_it_is_built_once_and_the_steps_after_it_run() -> None:
    built: list[str] = []
    done = threading.Semaphore(0)
    late = LateApp(lambda: built.append("x") or app_named("built"), unexpected)  # type: ignore[func-returns-value]
    for _ in range(3):
        late.start(done.release)
    for _ in range(3):
        assert done.acquire(timeout=10)
    late.start(done.release)
    assert done.acquire(timeout=10) and built == ["x"]


def test_an_error_is_answered_by_the_substitute_and_ends_there() -> None:
    seen: list[str] = []

    def fails() -> Callable[..., Any]:
        raise ValueError("no routes")

    def substitute(error: Exception) -> Callable[..., Any]:
        return app_named(f"instead: {error}")

    late = LateApp(fails, substitute)
    late.start(lambda: seen.append("a step that needs the API"))
    assert asyncio.run(ask(late)) == ["instead: no routes"] and seen == []


def test_a_history_in_sqlite_hides_the_drivers_for_its_import_alone() -> None:
    locations = (None, "sqlite:////x.db", "SQLite:///x.db", "postgresql://host/name")
    assert [needs_driver(location) for location in locations] == [False, False, False, True]
    import sys

    saved = {name: sys.modules.pop(name) for name in DRIVERS if name in sys.modules}
    try:
        with without_drivers():
            hidden = [name for name in DRIVERS if name in sys.modules and sys.modules[name] is None]
        assert "psycopg" in hidden and not set(DRIVERS) & set(sys.modules)
    finally:
        sys.modules.update(saved)
