"""Messages of a cluster: their fragments, their JSON form, who watches what, and what a node reports."""

from __future__ import annotations

import base64
import io
import random
from typing import Any

import numpy
import pytest
from PIL import Image as PILImage

from fooocus_api.cluster.messages.notices import (
    ALL,
    Hello,
    Notice,
    TaskControl,
    TaskImage,
    TaskProgress,
    ToolDone,
    Watching,
    from_json,
    to_json,
)
from fooocus_api.cluster.messages.watch import Watch
from fooocus_api.cluster.signals.fragments import MAX_AGE_S, MAX_FRAGMENT, Assembler, to_fragments
from fooocus_api.images.preview import Encoding, PreviewImage, ReceivedPreview
from fooocus_api.tasks.model.stage import Stage
from fooocus_api.tasks.model.task import Image

NOTICES: list[Notice] = [
    TaskProgress("a", 2, 40, "Sampling 步", Stage("sampling", 3, 30, 1, 2), b"\xff\xd8jpeg"),
    TaskProgress("a", 1, 0, ""),
    TaskImage("a", 1, Image("2026-01-01/a.png", {"prompt": "猫"}, 7, 64, 32, "png")),
    TaskControl("a", "skip", 5),
    Watching({"a": True, ALL: False}, 30.0),
    Hello(),
    ToolDone("5"),
]


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_a_message_survives_its_way(notice: Notice) -> None:
    assembler = Assembler()
    (received,) = filter(None, [assembler.add(fragment) for fragment in to_fragments("s", 1, to_json(notice))])
    assert received.sender == "s" and from_json(received.content) == notice


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"kind": "new"},
        {"kind": ["progress"]},
        {"kind": "progress"},
        {"kind": "control", "task": "a", "how": "explode", "worker": 1},
        {"kind": "watch", "tasks": [], "until_s": 3},
        {"kind": "image", "task": "a", "attempts": 1, "image": {"width": 3}},
    ],
)
def test_what_a_version_does_not_know_is_no_message(content: Any) -> None:
    assert from_json(content) is None


def test_a_later_versions_additions_are_left_out() -> None:
    content = to_json(TaskImage("a", 1, Image("b.png")))
    content["image"]["new"] = content["new"] = 1
    assert from_json(content) == TaskImage("a", 1, Image("b.png"))
    stage = {"kind": "progress", "task": "a", "attempts": 1, "percent": 1, "title": "", "stage": {"phase": "new"}}
    assert from_json(stage) == TaskProgress("a", 1, 1, "")


def test_fragments_are_small_and_may_arrive_in_any_order() -> None:
    texts = {number: "é" * 20_000 + str(number) for number in range(3)}
    fragments = [
        fragment for number, text in texts.items() for fragment in to_fragments("s" * 32, number + 10**12, text)
    ]
    assert max(len(fragment.encode()) for fragment in fragments) <= MAX_FRAGMENT
    assembler = Assembler()
    random.Random(1).shuffle(fragments)
    received = [one.content for one in map(assembler.add, fragments) if one is not None]
    assert set(received) <= set(texts.values()) and received[-1] in texts.values()


def test_an_incomplete_message_is_given_up_for_a_newer_one_or_after_some_seconds() -> None:
    now = 0.0
    assembler = Assembler(lambda: now)
    first, *_ = to_fragments("s", 1, "x" * 20_000)
    assert assembler.add(first) is None
    assert assembler.add(to_fragments("t", 2, "other")[0]) is not None and assembler.given_up == 0
    assert assembler.add(to_fragments("s", 2, "newer")[0]) is not None and assembler.given_up == 1
    assert assembler.add(to_fragments("s", 3, "x" * 20_000)[0]) is None
    now += MAX_AGE_S + 1
    assert assembler.add(to_fragments("t", 3, "other")[0]) is not None and assembler.given_up == 2


@pytest.mark.parametrize("text", ["", "{}", "s 1 2 2 x", "s 1 0 99999999 x", "s a 0 1 x", "s 1 0 1 {"])
def test_what_is_no_fragment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Assembler().add(text)


def test_a_message_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="a message of"):
        to_fragments("s", 1, "x" * 10**7)


def test_a_watch_lasts_as_long_as_it_is_renewed() -> None:
    now = 0.0
    news: list[tuple[str, frozenset[str]]] = []
    watch = Watch(lambda process, tasks: news.append((process, tasks)), lambda: now)
    watch.take("one", Watching({"a": False}, 30))
    watch.take("two", Watching({"a": True, "b": False}, 30))
    assert watch.watchers("a") == ["one", "two"] and watch.watchers("a", previews=True) == ["two"]
    assert watch.wants_previews("a") and watch.is_watched("b") and not watch.wants_previews("b")
    assert not watch.is_watched("c")
    now = 20.0
    watch.take("one", Watching({"a": False}, 30))
    now = 40.0
    assert watch.watchers("a") == ["one"] and not watch.is_watched("b")
    watch.take("one", Watching({}, 30))
    assert not watch.is_watched("a")
    watch.take("two", Watching({ALL: False, "a": True}, 30))
    assert watch.is_watched("c") and not watch.wants_previews("c") and watch.wants_previews("a")
    assert news == [("one", frozenset("a")), ("two", frozenset("ab")), ("two", frozenset((ALL, "a")))]


def noise(width: int, height: int) -> PreviewImage:
    return PreviewImage(numpy.random.default_rng(1).integers(0, 256, (height, width, 3), numpy.uint8))


def opened(file: bytes) -> PILImage.Image:
    return PILImage.open(io.BytesIO(file))


def test_a_preview_for_another_process_is_small() -> None:
    file = noise(1152, 896).small_jpeg(512, 60_000)
    assert len(file) <= 60_000 and opened(file).format == "JPEG" and max(opened(file).size) <= 512
    assert opened(noise(64, 32).small_jpeg(512, 60_000)).size == (64, 32)


def test_a_received_preview_is_decoded_for_another_encoding_alone() -> None:
    file = noise(256, 128).small_jpeg(512, 60_000)
    preview = ReceivedPreview(file)
    assert base64.b64decode(preview.base64(Encoding("jpeg"))) == file
    assert base64.b64decode(preview.base64(Encoding("jpeg", 256))) == file
    assert opened(base64.b64decode(preview.base64(Encoding("jpeg", 64)))).size == (64, 32)
    small = opened(base64.b64decode(preview.base64(Encoding("png", 64))))
    assert small.size == (64, 32) and small.format == "PNG"
    assert preview.data_uri(Encoding("webp")).startswith("data:image/webp;base64,")
