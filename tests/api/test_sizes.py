"""Image sizes: spellings, precedence of request and preset, and reports of values without effect."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.api.validation.sizes import size_of
from fooocus_api.tests.generation.test_features import DRAWN, data, prompt_image
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, demo_host
from fooocus_api.tests.support.hosts.forks import write_config
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

LABEL = '1152×896 <span style="color: grey;"> ∣ 9:7</span>'
NOT_SET = {"overwrite_width": -1, "overwrite_height": -1}


@pytest.fixture(scope="module")
def quick() -> Iterator[Client]:
    """Yield a client of a demo host whose steps take no time."""
    with demo_host(step_ms=0) as host:
        yield Client(host.url)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a host that lists few aspect ratios, without the preset's."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("few") / "demo")
    write_config(checkout, available_aspect_ratios=["1024*1024", "1152*896", "896*1152"])
    with demo_host(step_ms=0, checkout=checkout) as host:
        yield Client(host.url)


def drawn(client: Client, **fields: Any) -> tuple[int, int]:
    """Generate with no size except in `fields` and return the size of the image: a JPEG, which is quicker to encode."""
    record = client.draw(**{**NOT_SET, "output_format": "jpeg", **fields})
    assert "ignored_fields" not in record
    return client.image(record["result"][0]).size


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1152*896", (1152, 896)),
        ("1152×896", (1152, 896)),
        ("1152 * 896", (1152, 896)),
        ("1152x896", (1152, 896)),
        (" 1152X896 ", (1152, 896)),
        (LABEL, (1152, 896)),
        ("896×1152 <span> ∣ 7:9</span>", (896, 1152)),
        ("1152*896 | 9:7", (1152, 896)),
        ("1000*1000", (1000, 1000)),
        ("1024x1280", (1024, 1280)),
        ("1000 X 1000", (1000, 1000)),
        ("512 × 384", (512, 384)),
        ("640px x 480px", (640, 480)),
        ("1003*701", (1000, 696)),
        ("64*2048", (64, 2048)),
        ("16:9", (1344, 768)),
        ("9:16", (768, 1344)),
        ("1:1", (1024, 1024)),
        ("4 : 3", (1152, 896)),
        ("2.39:1", (1536, 640)),
    ],
)
def test_a_size_is_understood_as_people_write_it(quick: Client, written: str, size: tuple[int, int]) -> None:
    assert drawn(quick, aspect_ratios_selection=written) == size


def test_what_is_listed_is_a_ratio_and_what_is_not_is_a_width_and_a_height(quick: Client) -> None:
    listed = quick.draw(**NOT_SET, aspect_ratios_selection="1344x768")["req_params"]
    assert (listed["aspect_ratios_selection"], listed["overwrite_width"], listed["overwrite_height"]) == (
        "1344*768",
        -1,
        -1,
    )
    free = quick.draw(**NOT_SET, aspect_ratios_selection="1000x700")["req_params"]
    assert (free["aspect_ratios_selection"], free["overwrite_width"], free["overwrite_height"]) == (
        "1152*896",
        1000,
        700,
    )
    assert drawn(quick, **{name: free[name] for name in ("aspect_ratios_selection", *NOT_SET)}) == (1000, 696)


def test_a_ratio_that_no_listed_size_comes_near_is_one_of_a_million_pixels(few: Client) -> None:
    assert drawn(few, aspect_ratios_selection="16:9") == (1344, 768)
    assert drawn(few, aspect_ratios_selection="1:2") == (704, 1472)
    assert drawn(few, aspect_ratios_selection="9:7") == (1152, 896)


@pytest.mark.parametrize(
    "written",
    [
        "10*10",
        "63*1024",
        "2049*1024",
        "1024",
        "x",
        "a*b",
        "0*0",
        "0:1",
        "1:0",
        "1:200",
        "1024*1024*3",
        "-5*5",
    ],
)
def test_what_is_no_size_is_refused(quick: Client, written: str) -> None:
    response = quick.generate(aspect_ratios_selection=written, sampler_name="eulr")
    assert response.status_code == 422
    fields = [error["field"] for error in response.json()["errors"]]
    assert sorted(fields) == ["aspect_ratios_selection", "sampler_name"]


@pytest.mark.parametrize("side", ["overwrite_width", "overwrite_height"])
@pytest.mark.parametrize("pixels", [1, 8, 63, 2049, -2])
def test_a_side_that_can_not_be_drawn_is_refused(quick: Client, side: str, pixels: int) -> None:
    sent: dict[str, Any] = {side: pixels}
    response = quick.generate(**sent)
    assert response.status_code == 422 and [error["field"] for error in response.json()["errors"]] == [side]


def test_minus_one_and_nothing_are_not_set(quick: Client) -> None:
    for none in (-1, 0, "0", "-1"):
        assert drawn(quick, overwrite_width=none, overwrite_height=none) == (1152, 896)
    assert drawn(quick, overwrite_width=64, overwrite_height=71) == (64, 64)
    assert drawn(quick, overwrite_width=512) == (512, 896)
    assert drawn(quick, aspect_ratios_selection="1000x700", overwrite_height=512) == (1000, 512)


# --------------------------------------------------------------------------- with a preset


@pytest.mark.parametrize("where", ["quick", "few"])
@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1344, 768)),
        ({"aspect_ratios_selection": "1024*1024"}, (1024, 1024)),
        ({"aspect_ratios_selection": "1024×1024"}, (1024, 1024)),
        ({"aspect_ratios_selection": "1:1"}, (1024, 1024)),
        ({"aspect_ratios_selection": "1000*1000"}, (1000, 1000)),
        ({"overwrite_width": 512, "overwrite_height": 512}, (512, 512)),
        ({"overwrite_width": 512}, (512, 768)),
        ({"overwrite_width": 512, "overwrite_height": 0}, (512, 768)),
        ({"aspect_ratios_selection": "1152*896"}, (1344, 768)),  # the default, which complete forms send
        ({"aspect_ratios_selection": LABEL}, (1344, 768)),
    ],
)
def test_a_size_of_the_request_counts_before_the_presets(
    request: pytest.FixtureRequest, where: str, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    assert drawn(request.getfixturevalue(where), preset="nightfall", **fields) == size


# ------------------------------------------------------------------ values without effect


def picture(width: int, height: int) -> str:
    buffer = io.BytesIO()
    PILImage.new("L", (width, height), 128).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


VARY, FAST, INPAINT = DRAWN["vary"], DRAWN["upscale fast"], DRAWN["inpaint"]
ENHANCE = {"enhance_input_image": data(), "enhance_uov_method": "Vary (Subtle)"}
SIZE = {"overwrite_width": 512, "overwrite_height": 384}
LARGE = {"uov_input_image": picture(1900, 1900), "uov_method": "Upscale (1.5x)"}
"""Its square side is 2880, above which Fooocus returns the enlarged image."""
COUNTS: list[tuple[dict[str, Any], list[str]]] = [
    ({**VARY, **SIZE}, ["overwrite_width", "overwrite_height"]),
    ({**VARY, "aspect_ratios_selection": "1024*1024"}, ["aspect_ratios_selection"]),
    ({**VARY, "aspect_ratios_selection": "1000x1000"}, ["aspect_ratios_selection"]),
    ({**INPAINT, "overwrite_width": 1500}, ["overwrite_width"]),
    ({**DRAWN["outpaint"], "overwrite_height": 1500}, ["overwrite_height"]),
    ({**DRAWN["mixed with vary"], **SIZE}, ["overwrite_width", "overwrite_height"]),
    ({**DRAWN["mixed with inpaint"], **SIZE}, ["overwrite_width", "overwrite_height"]),
    ({**ENHANCE, **SIZE, "image_number": 2}, ["overwrite_width", "overwrite_height", "image_number"]),
    ({**FAST, **SIZE, "image_number": 3}, ["overwrite_width", "overwrite_height", "image_number"]),
    ({**LARGE, "image_number": 2}, ["image_number"]),
    ({**VARY, "image_number": 2}, []),
    ({**DRAWN["image prompt"], **SIZE, "aspect_ratios_selection": "1024*1024", "image_number": 2}, []),
    ({"controlnet_image": [prompt_image()], **SIZE}, []),
    ({**SIZE, "image_number": 2, "aspect_ratios_selection": "1000*1000"}, []),
    ({**VARY, "overwrite_width": 0, "overwrite_height": -1, "aspect_ratios_selection": "1152×896"}, []),
    ({**FAST, "image_number": 1}, []),
]


@pytest.mark.parametrize(("fields", "named"), COUNTS)
def test_what_can_not_count_is_named_and_not_refused(quick: Client, fields: dict[str, Any], named: list[str]) -> None:
    response = quick.generate(**{**NOT_SET, "output_format": "jpeg", **fields})
    assert response.status_code == 200, response.text
    record = response.json()
    assert record["task_status"] == "finished"
    assert response.headers.get("X-Ignored-Fields", "") == ", ".join(named)
    assert record.get("ignored_fields", []) == [{"path": name, "use": None} for name in named]
    if "image_number" in named:
        assert len(record["result"]) == 1


def test_the_prepared_image_alone_is_one(quick: Client) -> None:
    """Ignore `image_number`: Fooocus itself ends after the prepared image, the demo generates all the same."""
    several: dict[str, Any] = {**NOT_SET, **INPAINT, "debugging_inpaint_preprocessor": True, "image_number": 2}
    response = quick.generate(**several)
    assert response.headers["X-Ignored-Fields"] == "image_number"


def test_an_image_as_the_answer_is_one(quick: Client) -> None:
    response = quick.generate(accept="image/png", image_number=3)
    assert response.headers["X-Ignored-Fields"] == "image_number"
    record = quick.task(response.headers["X-Task-Id"])
    assert record["ignored_fields"] == [{"path": "image_number", "use": None}] and len(record["result"]) == 1
    assert "X-Ignored-Fields" not in quick.generate(accept="image/png", image_number=1).headers


def test_a_preset_has_nothing_named(quick: Client) -> None:
    record = quick.draw(**NOT_SET, **VARY, preset="nightfall")
    assert "ignored_fields" not in record


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1024＊1024", (1024, 1024)),
        ("１０２４×１２８０", (1024, 1280)),
        ("1024×1024（1:1）", (1024, 1024)),
        ("1024 by 1280", (1024, 1280)),
        ("1024.0*1280.0", (1024, 1280)),
        ("1024/1280", (1024, 1280)),
        ("1280:1024", (1280, 1024)),
    ],
)
def test_sizes_of_other_keyboards_are_sizes(written: str, size: tuple[int, int]) -> None:
    assert size_of(written, ["1152*896", "1024*1024"]) == size


@pytest.mark.parametrize("written", ["16：9", "16x9", "16 by 9", "16/9"])
def test_small_numbers_are_a_proportion(written: str) -> None:
    assert size_of(written, ["1152*896", "1344*768"]) == (1344, 768)


@pytest.mark.parametrize("written", ["", "None", "null"])
def test_a_ratio_that_is_not_set_is_the_default(client: Client, written: str) -> None:
    assert client.draw(aspect_ratios_selection=written)["req_params"]["aspect_ratios_selection"] == "1152*896"


@pytest.mark.parametrize("written", ["1152x896", "1152×896", "1152 * 896", "9:7"])
def test_the_default_in_another_spelling_is_a_choice(client: Client, written: str) -> None:
    sent = {
        "prompt": "x",
        "preset": "nightfall",
        "performance_selection": "Lightning",
        "aspect_ratios_selection": written,
    }
    record = client.post("/v1/engine/generate", json=sent).json()
    assert (record["images"][0]["width"], record["images"][0]["height"]) == (1152, 896)
