"""Timeouts of calls that hang: they delay no other call and keep no process alive."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fooocus_api.adapters.webui import file_access
from fooocus_api.adapters.webui.file_access import FileAccess
from fooocus_api.adapters.webui.late_calls import LateCalls
from fooocus_api.asgi.error_codes import ErrorCode
from fooocus_api.tests.support.host import ROOT

PATIENCE = 20.0


def test_a_call_gives_its_result_or_its_error() -> None:
    calls = LateCalls("test", 2, PATIENCE)

    async def ask() -> None:
        assert await calls.call(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await calls.call(divmod, 7, 0)
        assert await asyncio.gather(*(calls.call(abs, -number) for number in range(50))) == list(range(50))

    asyncio.run(ask())


def test_a_call_that_hangs_ends_in_time_and_holds_up_no_other() -> None:
    calls, gone_on = LateCalls("test", 2, 0.2), threading.Event()

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            await calls.call(gone_on.wait, PATIENCE)
        assert await calls.call(abs, -1) == 1

    asyncio.run(ask())
    gone_on.set()


def test_calls_beyond_the_threads_end_in_time_and_are_not_made_later() -> None:
    calls, gone_on, made = LateCalls("test", 2, 0.2), threading.Event(), list[int]()

    async def ask() -> None:
        hanging = [asyncio.create_task(calls.call(gone_on.wait, PATIENCE)) for _ in range(2)]
        results = await asyncio.gather(*hanging, calls.call(made.append, 1), return_exceptions=True)
        assert [type(result) for result in results] == [TimeoutError] * 3
        gone_on.set()
        calls_of_later = await asyncio.gather(*(calls.call(abs, -number) for number in range(4)))
        assert calls_of_later == [0, 1, 2, 3] and made == []

    asyncio.run(ask())


def test_a_call_that_hangs_keeps_no_process_alive() -> None:
    code = f"""
import asyncio, importlib.util, time
spec = importlib.util.spec_from_file_location("late_calls", {str(ROOT / "adapters" / "webui" / "late_calls.py")!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
try:
    asyncio.run(module.LateCalls("test", 1, 0.1).call(time.sleep, 600))
except TimeoutError:
    print("in time")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("in time\n", "")


def test_a_file_on_a_disk_that_does_not_answer_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"an image")
    files, answers = FileAccess(tmp_path, lambda: (tmp_path, tmp_path)), threading.Event()
    monkeypatch.setattr(file_access, "LOOKUPS", LateCalls("test", 2, 0.2))
    assert asyncio.run(files.refusal_in_time(str(tmp_path / "a.png"))) is None
    monkeypatch.setattr(files, "refusal", lambda text: answers.wait(PATIENCE))
    refusal = asyncio.run(files.refusal_in_time(str(tmp_path / "a.png")))
    answers.set()
    assert refusal is not None and refusal[0] is ErrorCode.FILE_UNREADABLE
