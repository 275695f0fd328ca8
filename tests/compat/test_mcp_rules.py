"""Rules of the Model Context Protocol's surface without a host: arguments, progress, and images that fit into a result."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.api.compat.mcp.protocol.progress import SIGN_OF_LIFE_S, Progress, Reading
from fooocus_api.api.compat.mcp.tools.arguments import checked
from fooocus_api.api.responses.problems import InvalidFields
from fooocus_api.images.codecs.fitting import fitted


def test_arguments_as_models_write_them_are_accepted() -> None:
    schema = {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 4},
            "styles": {"type": "array", "items": {"type": "string"}},
            "mode": {"type": "string", "enum": ["Speed", "Quality"]},
            "name": {"type": "string"},
        },
    }
    given = {"count": "2", "styles": '["a", "b"]', "mode": "speed", "name": None, "toolCallId": "1", "sessionId": "2"}
    assert checked(given, schema) == {"count": 2, "styles": ["a", "b"], "mode": "Speed"}
    assert checked({"count": 3.0, "styles": "a, b"}, schema) == {"count": 3, "styles": ["a", "b"]}
    assert checked(None, schema) == {}


@pytest.mark.parametrize("value", [True, 1.5, "1e3", "9" * 5000, [], {}, "⁵"])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 4}}}
    with pytest.raises(InvalidFields):
        checked({"count": value}, schema)


# ------------------------------------------------------------------------- progress


def values_of(readings: list[tuple[float, Reading]]) -> list[float]:
    progress = Progress("t", 0.0)
    notes = [progress.next(reading, now) for now, reading in readings]
    return [note["params"]["progress"] for note in notes if note is not None]


def test_a_change_of_the_queue_and_a_long_silence_are_signs_of_life() -> None:
    waiting = [
        (0.0, Reading(0, None, "2 before it")),
        (0.5, Reading(0, None, "2 before it")),
        (1.0, Reading(0, None, "1 before it")),
        (1.0 + SIGN_OF_LIFE_S, Reading(0, None, "1 before it")),
        (12.0, Reading(1, 30, "step 1")),
        (12.5, Reading(1, 30, "step 1")),
        (13.0, Reading(2, 30, "step 2")),
    ]
    values = values_of(waiting)
    assert values[0] == 0 and values[-2:] == [1, 2] and len(values) == 5 and 0 < values[1] < values[2] < 1


def test_progress_never_falls_and_stays_below_its_total() -> None:
    steps = [(0, None), (29, 30), (30, 30), (1, 30), (0, 10), (5, 60), (40, 60)]
    readings = [(float(at), Reading(done, total, f"{at}")) for at, (done, total) in enumerate(steps)]
    values = values_of(readings)
    assert values == sorted(set(values)) and values[-1] == 40


# ------------------------------------------------------------------------- reduced images


def noise(size: tuple[int, int], image_format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PILImage.frombytes("RGB", size, random.Random(1).randbytes(size[0] * size[1] * 3)).save(buffer, image_format)
    return buffer.getvalue()


@pytest.mark.parametrize("most", [700_000, 100_000, 20_000])
def test_an_image_is_reduced_until_it_fits(most: int) -> None:
    content, media_type = fitted(noise((1152, 896)), most)
    assert len(content) <= most and media_type == "image/jpeg"


def test_a_small_image_stays_as_it_is() -> None:
    for image_format in ("PNG", "JPEG", "WEBP"):
        content = noise((64, 64), image_format)
        assert fitted(content, 700_000) == (content, f"image/{image_format.lower()}")
    assert fitted(noise((64, 64), "BMP"), 700_000)[1] == "image/jpeg"


def test_a_large_plain_image_is_made_smaller() -> None:
    buffer = io.BytesIO()
    PILImage.new("RGBA", (4096, 3072), (0, 0, 0, 0)).save(buffer, "PNG")
    with PILImage.open(io.BytesIO(fitted(buffer.getvalue(), 700_000)[0])) as image:
        assert image.size == (2048, 1536)
