"""The day's `log.html`: the page that Fooocus by itself would write, at no cost that grows, through kills and deletions."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.adapters.image_log.entry import SPLIT
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, real_checkout, real_python
from fooocus_api.tests.support.hosts.day_log import DAY, DayLog, MakeDay, run_alone

NAMES = [f"{number:03}.png" for number in range(12)]


# ------------------------------------------------------------------- as the host writes it


def test_the_page_is_the_one_of_the_bare_host(make_day: MakeDay) -> None:
    bare, extended = make_day("bare", extended=False), make_day("extended")
    bare.write(*NAMES)
    extended.write(*NAMES)
    extended.close()
    assert extended.page.read_bytes() == bare.page.read_bytes()
    assert extended.shown() == NAMES[::-1]


def test_a_page_written_in_many_steps_is_the_same(make_day: MakeDay) -> None:
    bare, extended = make_day("bare", extended=False), make_day("extended")
    bare.write(*NAMES)
    assert extended.log is not None
    for name in NAMES:
        extended.write(name)
        extended.log.make_page(extended.page)
        assert extended.shown()[0] == name
    assert extended.page.read_bytes() == bare.page.read_bytes()


@pytest.mark.real
def test_the_page_is_the_one_of_a_real_fooocus(tmp_path: Path) -> None:
    home = real_checkout()
    assert home is not None
    python = str(real_python(home))
    for folder in ("bare", "extended"):
        run_alone(python, home, tmp_path / folder, NAMES, extended=folder == "extended")
    pages = [(tmp_path / folder / DAY / "log.html").read_bytes() for folder in ("bare", "extended")]
    assert pages[0] == pages[1] and pages[0].count(b'class="image-container"') == len(NAMES)


def test_prompts_with_the_hosts_own_comment_lose_no_entry(day: DayLog) -> None:
    day.write("a.png", prompt=f"{SPLIT} \ud800 {SPLIT}")
    day.restart()
    day.write("b.png")
    day.close()
    assert day.shown() == ["b.png", "a.png"]


# --------------------------------------------------------------------- when it is written


def test_an_idle_worker_has_its_page_written(make_day: MakeDay) -> None:
    day = make_day()
    day.write(*NAMES)
    wait_for(lambda: day.shown() == NAMES[::-1], "the page")


def test_a_page_is_made_when_it_is_asked_for(never_by_itself: None, day: DayLog) -> None:
    day.write(*NAMES)
    assert not day.page.exists() and day.log is not None
    day.log.make_page(day.folder / ".." / DAY / "log.html")
    assert day.shown() == NAMES[::-1]


def test_the_webui_gets_each_image_with_its_end(demo: Host, client: Client) -> None:
    for _ in range(3):
        day, name = client.draw()["result"][0].split("/")[-2:]
        page = client.get(f"/file={demo.outputs / day / 'log.html'}")
        assert page.status_code == 200 and name in page.text


def test_captured_entries_are_added_later(never_by_itself: None, day: DayLog) -> None:
    assert day.log is not None
    with day.log.captured() as first:
        day.write("a.png")
    with day.log.captured() as second:
        day.write("b.png")
        other = threading.Thread(target=day.write, args=("other.png",))
        other.start()
        other.join()
    day.log.make_page(day.page)
    assert day.shown() == ["other.png"] and len(first) == len(second) == 1
    day.log.add(second)
    day.log.add(first)
    day.log.make_page(day.page)
    assert day.shown() == ["a.png", "b.png", "other.png"]


def test_entries_of_many_threads(day: DayLog) -> None:
    assert day.log is not None
    with day.log.captured() as entries:
        day.write(*NAMES)
    log = day.log
    threads = [threading.Thread(target=log.add, args=([entry],)) for entry in entries]
    threads += [threading.Thread(target=log.make_page, args=(day.page,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.make_page(day.page)
    assert sorted(day.shown()) == NAMES


def test_an_entry_after_the_end_is_written_at_once(day: DayLog) -> None:
    assert day.log is not None
    with day.log.captured() as entries:
        day.write("late.png")
    day.close()
    assert not day.page.exists()
    day.log.add(entries)
    assert day.shown() == ["late.png"]


# ------------------------------------------------------------------------- kills and faults


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_after_a_kill_the_next_start_completes_the_page(make_day: MakeDay, tmp_path: Path) -> None:
    run_alone(sys.executable, DEMO, tmp_path / "outputs", NAMES, kill=True)
    day = make_day()
    wait_for(lambda: day.shown() == NAMES[::-1], "the page")
    day.write("new.png")
    day.close()
    assert day.shown() == ["new.png", *NAMES[::-1]]


@pytest.mark.parametrize("step", ["write_parts_atomically", "delete"])
def test_a_kill_between_two_steps_doubles_and_loses_nothing(
    never_by_itself: None, day: DayLog, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    day.write("a.png", "b.png")
    module = "page" if step == "write_parts_atomically" else "waiting"
    assert day.log is not None
    with monkeypatch.context() as patch:
        patch.setattr(f"fooocus_api.adapters.image_log.{module}.{step}", killed)
        with pytest.raises(Killed):
            day.log.make_page(day.page)
    (day.folder / ".log.html.0.tmp").write_text("half of a p")
    store = {path: path.read_bytes() for path in (day.folder.parent / ".fooocus_api" / "log").iterdir()}
    day.close()
    for path, content in store.items():  # a killed process does not close its log
        path.write_bytes(content)
    day.restart()
    day.write("c.png")
    day.close()
    assert day.shown() == ["c.png", "b.png", "a.png"]
    assert sorted(path.name for path in day.folder.iterdir()) == ["a.png", "b.png", "c.png", "log.html"]
    assert not list((day.folder.parent / ".fooocus_api" / "log").iterdir())


def test_an_entry_that_can_not_be_stored_is_kept(
    never_by_itself: None, day: DayLog, caplog: pytest.LogCaptureFixture
) -> None:
    assert day.log is not None
    store = day.folder.parent / ".fooocus_api" / "log"
    store.rmdir()
    store.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        day.write("a.png", "b.png")
    assert [record.message for record in caplog.records] == ["entry of the image log not stored; kept in memory"]
    day.log.make_page(day.page)
    assert day.shown() == ["b.png", "a.png"]


def test_a_page_that_can_not_be_written_is_written_later(
    never_by_itself: None, day: DayLog, caplog: pytest.LogCaptureFixture
) -> None:
    day.page.mkdir(parents=True)
    assert day.log is not None
    with caplog.at_level(logging.WARNING):
        day.write("a.png")
        day.log.make_page(day.page)
        day.log.make_page(day.page)
    assert [record.message for record in caplog.records] == ["image log not written; retrying"]
    day.page.rmdir()
    day.write("b.png")
    day.log.make_page(day.page)
    assert day.shown() == ["b.png", "a.png"]


def test_a_second_process_writes_as_fooocus_does(make_day: MakeDay, tmp_path: Path) -> None:
    make_day()
    run_alone(sys.executable, DEMO, tmp_path / "outputs", NAMES)
    page = (tmp_path / "outputs" / DAY / "log.html").read_text("utf-8")
    assert page.count('class="image-container"') == len(NAMES)
