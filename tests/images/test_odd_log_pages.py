"""Old and odd `log.html` pages, and the entries of deleted images."""

from __future__ import annotations

import pytest

from fooocus_api.adapters.image_log.entry import SPLIT, Entry
from fooocus_api.adapters.image_log.image_log import ImageLog
from fooocus_api.tests.support.hosts.day_log import DAY, DayLog, MakeDay

NAMES = [f"{number:03}.png" for number in range(12)]

# ------------------------------------------------------------------------------ other pages

OLD = f'<html>{SPLIT}\n\n<div id="old_png" class="image-container"><a href="old.png"></a></div>\n\n\n{SPLIT}</html>'
PAGES = {
    "of the bare host": OLD,
    "cut off": OLD[:-40],
    "with a third comment": OLD.replace("</a>", f"{SPLIT}</a>"),
    "without comments": OLD.replace(SPLIT, ""),
    "not in UTF-8": OLD.replace("</a>", "\udcff</a>"),
    "of one long line": OLD.replace("</a>", "x" * (3 << 20) + "</a>"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_the_entries_of_an_old_page_stay(day: DayLog, kind: str) -> None:
    day.folder.mkdir(parents=True)
    day.page.write_bytes(PAGES[kind].encode("utf-8", "surrogateescape"))
    day.write("new.png")
    day.close()
    content = day.page.read_bytes()
    assert content.index(b'href="new.png"') < content.index(b'href="old.png"')
    day.restart()
    day.write("newer.png")
    day.close()
    content = day.page.read_bytes()
    assert [content.count(f'href="{name}.png"'.encode()) for name in ("old", "new", "newer")] == [1, 1, 1]


def test_an_old_page_without_comments_is_kept_as_the_host_keeps_it(make_day: MakeDay) -> None:
    days = make_day("bare", extended=False), make_day("extended")
    for day in days:
        day.folder.mkdir(parents=True)
        day.page.write_text("<p>an old page</p>", "utf-8")
        day.write(*NAMES)
        day.close()
    assert days[0].page.read_bytes() == days[1].page.read_bytes()


def test_a_page_that_fooocus_composes_otherwise_is_written_as_it_is(
    day: DayLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.write("a.png", "b.png")
    monkeypatch.setattr(day.host, "SPLIT", "<!--other-->")
    day.write("c.png")
    assert day.shown() == ["c.png", "b.png", "a.png"]


# -------------------------------------------------------------------------------- deletions


@pytest.mark.parametrize("written", [True, False])
def test_deleted_images_leave_the_page_and_the_waiting_entries(
    never_by_itself: None, day: DayLog, *, written: bool
) -> None:
    day.write(*NAMES)
    assert day.log is not None
    if written:
        day.log.make_page(day.page)
    gone = NAMES[::2]
    assert day.log.remove_images([day.folder.parent], [f"{DAY}/{name}" for name in gone]) == []
    day.log.make_page(day.page)
    assert day.shown() == NAMES[-1::-2]
    day.write("new.png")
    day.close()
    assert day.shown() == ["new.png", *NAMES[-1::-2]]


def test_a_page_with_all_images_deleted_is_the_one_of_none(make_day: MakeDay) -> None:
    one, many = make_day("one"), make_day("many")
    one.write("last.png")
    many.write(*NAMES)
    many.restart()
    assert many.log is not None
    many.log.remove_images([many.folder.parent], [f"{DAY}/{name}" for name in NAMES])
    assert many.shown() == [] and SPLIT in many.page.read_text("utf-8")
    many.write("last.png")
    one.close()
    many.close()
    assert one.page.read_bytes() == many.page.read_bytes()


def test_a_deletion_of_a_log_of_the_bare_host(make_day: MakeDay) -> None:
    bare = make_day(extended=False)
    bare.write("a.png", "b.png")
    assert ImageLog().remove_images([bare.folder.parent], [f"{DAY}/a.png"]) == []
    assert bare.shown() == ["b.png"] and not (bare.folder / "a.png").exists()


def test_entries_survive_as_lines(day: DayLog) -> None:
    entry = Entry("p", "<html>", "\u2028 \ud800 \n", "</html>")
    assert entry.to_line().count(b"\n") == 1 and entry.id is None
