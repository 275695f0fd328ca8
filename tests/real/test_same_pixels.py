"""Pixel equality of images from the API and from the WebUI with the same seed.

A browser loads the WebUI, uploads the same files and clicks; Gradio's own queue carries the task.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PILImage
from PIL import ImageDraw

from fooocus_api.tests.support.client import QUICK, Client

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.host import Host

HOSTS = [pytest.param("demo", id="demo"), pytest.param("real", id="real", marks=pytest.mark.real)]
PROMPT = "a red house by the sea"
SEED = 20_241_126
AS_QUICK = {name: value for name, value in QUICK.items() if name != "style_selections"}
"""Settings of Browser.quick; all others keep the defaults of the page and the API."""


@dataclass(frozen=True)
class Case:
    """One image as clicks and as a request's fields; `picture` and `mask` are files. `size` is None where the host chooses it."""

    clicks: Callable[[Browser, Path, Path], None]
    fields: Callable[[str, str], dict[str, Any]]
    size: tuple[int, int] | None


def nothing(browser: Browser, picture: Path, mask: Path) -> None:
    """Leave all but the prompt as it is."""


def upscale(method: str) -> Callable[[Browser, Path, Path], None]:
    def clicks(browser: Browser, picture: Path, mask: Path) -> None:
        browser.check("Input Image")
        browser.tab("Upscale or Variation")
        browser.upload(picture)
        browser.choose(method)

    return clicks


def inpaint(browser: Browser, picture: Path, mask: Path) -> None:
    browser.check("Input Image")
    browser.tab("Inpaint or Outpaint")
    browser.upload(picture, "inpaint_canvas")
    browser.check("Enable Advanced Masking Features", "Use a mask image")
    browser.upload(mask, "inpaint_mask_canvas")


def outpaint(browser: Browser, picture: Path, mask: Path) -> None:
    browser.check("Input Image")
    browser.tab("Inpaint or Outpaint")
    browser.upload(picture, "inpaint_canvas")
    browser.check("Left")
    browser.check("Bottom")


CASES = {
    "text to image": Case(nothing, lambda picture, mask: {}, (256, 256)),
    "inpaint": Case(
        inpaint,
        lambda picture, mask: {"inpaint_input_image": picture, "inpaint_mask_image_upload": mask},
        (320, 256),
    ),
    "outpaint": Case(
        outpaint,
        lambda picture, mask: {"inpaint_input_image": picture, "outpaint_selections": ["Left", "Bottom"]},
        (416, 332),
    ),
    "vary": Case(
        upscale("Vary (Strong)"),
        lambda picture, mask: {"uov_input_image": picture, "uov_method": "Vary (Strong)"},
        None,
    ),
    "upscale 1.5x": Case(
        upscale("Upscale (1.5x)"),
        lambda picture, mask: {"uov_input_image": picture, "uov_method": "Upscale (1.5x)"},
        None,
    ),
    "upscale fast": Case(
        upscale("Upscale (Fast 2x)"),
        lambda picture, mask: {"uov_input_image": picture, "uov_method": "Upscale (Fast 2x)"},
        None,
    ),
}


IN_EACH_RUN = {"text to image", "inpaint"}
"""Cases that cover the others: without an image, and with two. Each is clicked in a browser."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return the file of a red polygon on a gradient, wider than high."""
    image = PILImage.linear_gradient("L").resize((320, 256)).convert("RGB")
    ImageDraw.Draw(image).polygon([(90, 230), (90, 120), (160, 60), (230, 120), (230, 230)], fill=(190, 50, 40))
    image.save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """Return the file of a white disc on black, half the picture's size, so that both paths have to enlarge it alike."""
    image = PILImage.new("RGB", (160, 128))
    ImageDraw.Draw(image).ellipse((40, 30, 110, 100), fill="white")
    image.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def pixels(path: Path) -> tuple[tuple[int, int], bytes]:
    with PILImage.open(path) as image:
        return image.size, image.convert("RGB").tobytes()


@pytest.mark.parametrize(
    "case", [name if name in IN_EACH_RUN else pytest.param(name, marks=pytest.mark.nightly) for name in CASES]
)
@pytest.mark.parametrize("host_name", HOSTS)
def test_api_and_webui_draw_the_same_pixels(
    request: pytest.FixtureRequest, host_name: str, browser: Browser, picture: Path, mask: Path, case: str
) -> None:
    host: Host = request.getfixturevalue(host_name)
    wanted = CASES[case]
    before = host.images()
    browser.open(host.url).quick()
    browser.seed(SEED)
    wanted.clicks(browser, picture, mask)
    browser.generate(PROMPT)
    browser.images()
    (by_hand,) = host.images() - before

    encoded = [base64.b64encode(path.read_bytes()).decode("ascii") for path in (picture, mask)]
    body = {**AS_QUICK, "prompt": PROMPT, "image_seed": SEED, **wanted.fields(*encoded)}
    response = Client(host.url).post("/v1/engine/generate/", json=body)
    assert response.status_code == 200, response.text
    (by_request,) = host.images() - before - {by_hand}

    drawn, asked = pixels(by_hand), pixels(by_request)
    assert drawn[0] == asked[0] == (wanted.size or drawn[0])
    assert drawn[1] == asked[1], "the pixels differ"
