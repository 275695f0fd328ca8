"""A task's arguments at submission: the images that are read, and the values that are refused before the task is accepted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from fooocus_api.adapters.task_args.aspect_ratios import sides_of
from fooocus_api.adapters.task_args.controls import Controls
from fooocus_api.adapters.task_args.images.image_files import ImageFiles
from fooocus_api.adapters.task_args.mapping import ArgumentMapper
from fooocus_api.tasks.ports.engine import ParameterError

NAMES = ["prompt", "uov_input_image", "inpaint_input_image", "outpaint_selections"]
SIDES = {"outpaint_selections": ["Left"], "outpaint_distance": [100_000, 0, 0, 0]}


@pytest.fixture
def mapper() -> ArgumentMapper:
    return ArgumentMapper(NAMES, Controls([SimpleNamespace(value=None) for _ in NAMES]), 2**32)


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    """Return two masks, an image with only its header, and a file that is not an image."""
    for colour in ("black", "white"):
        Image.new("RGB", (64, 32), colour).save(tmp_path / colour, "PNG")
    Image.effect_mandelbrot((640, 320), (-3, -2.5, 2, 2.5), 9).save(tmp_path / "header", "PNG")
    (tmp_path / "header").write_bytes((tmp_path / "header").read_bytes()[:200])
    (tmp_path / "text").write_text("not an image")

    def find(reference: str) -> Path:
        if not (tmp_path / reference).exists():
            raise FileNotFoundError(reference)
        return tmp_path / reference

    return ImageFiles(find)


@pytest.mark.parametrize(
    "parameters",
    [
        {"prompt": "a hat"},
        {"uov_input_image": "text"},
        {"inpaint_input_image": "text", "inpaint_mask_image_upload": "text", **SIDES},
        {"inpaint_input_image": "text", **SIDES},
        {"inpaint_input_image": "header", "inpaint_mask_image_upload": "white"},
    ],
)
def test_submission_reads_no_image(mapper: ArgumentMapper, files: ImageFiles, parameters: dict[str, Any]) -> None:
    values = dict(zip(NAMES, mapper.without_images(parameters, files), strict=True))
    for name in ("uov_input_image", "inpaint_input_image"):
        assert (values[name] is not None) == (name in parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"uov_input_image": "missing"}, "missing can't be read"),
        ({"inpaint_input_image": "header"}, "nothing painted"),
        ({"inpaint_input_image": "header", "inpaint_mask_image_upload": "black"}, "nothing painted"),
        ({"inpaint_input_image": "header", "inpaint_mask_image_upload": "missing"}, "missing can't be read"),
        ({"loras": [{"model_name": "a"}]}, "loras has 1 items; this Fooocus accepts at most 0"),
    ],
)
def test_submission_refuses_what_the_worker_would(
    mapper: ArgumentMapper, files: ImageFiles, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        mapper.without_images(parameters, files)


@pytest.mark.parametrize(
    "name",
    [
        "1152*896",
        "1152 896",
        "1152×896 <span style='color: grey;'> ∣ 9:7</span>",
        "<span style='width:42px;height:33px;'></span>1152×896 <span> ∣ 9:7</span>",
        "<span style='" + "width:42px;" * 20 + "'></span>1152×896",
    ],
)
def test_the_size_of_an_aspect_ratio_is_found_among_markup(name: str) -> None:
    assert sides_of(name) == (1152, 896)


def test_a_name_without_a_size_has_no_sides() -> None:
    assert sides_of("wide") is None and sides_of("16") is None and sides_of("") is None


def test_an_argument_that_a_fork_takes_from_the_same_control_gets_the_same_value(files: ImageFiles) -> None:
    prompt, sharpness = SimpleNamespace(value="from the page"), SimpleNamespace(value=2.0)
    mapper = ArgumentMapper(["prompt", "sharpness", "original_prompt"], Controls([prompt, sharpness, prompt]), 2**32)
    assert mapper.without_images({"prompt": "a hat"}, files) == ["a hat", 2.0, "a hat"]
    assert mapper.without_images({}, files)[0::2] == ["from the page"] * 2
    assert mapper.extra_fields({"prompt"}).keys() == {"sharpness"}
    other = ArgumentMapper(["original_prompt", "prompt"], Controls([prompt, prompt]), 2**32)
    assert other.without_images({"prompt": "a hat"}, files) == ["a hat", "a hat"]
    assert other.extra_fields({"prompt"}).keys() == set()
