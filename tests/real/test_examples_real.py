"""Every program in examples/, unchanged, on a real Fooocus with fast defaults. KEEP_IMAGES is a folder for the results."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import Host, real_host
from fooocus_api.tests.support.sources.examples import PROGRAMS, check_example

pytestmark = pytest.mark.real

DEFAULT = (320, 256)
SMALL = {
    "available_aspect_ratios": ["320*256", "1152*896"],
    "default_aspect_ratio": "320*256",
    "default_performance": "Lightning",
    "default_overwrite_step": 1,
}
PRESET = "examples-test"


@pytest.fixture(scope="module")
def small() -> Iterator[Host]:
    """Yield a real host with few steps and small images by default, and a preset whose models are installed."""
    host = real_host()
    settings = json.loads((host.checkout / "config.txt").read_text("utf-8"))
    (host.folder / "config.txt").write_text(json.dumps({**settings, **SMALL}), "utf-8")
    preset = host.checkout / "presets" / f"{PRESET}.json"
    preset.write_text(json.dumps({"default_model": settings["default_model"], "default_styles": []}), "utf-8")
    try:
        with host:
            yield host
    finally:
        preset.unlink()


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_runs_and_leaves_its_images(small: Host, tmp_path: Path, program: str) -> None:
    options = ("--preset", PRESET) if program == "presets" else ()
    began = time.perf_counter()
    told = check_example(program, small.url, tmp_path, DEFAULT, *options)
    print(f"{program}: {time.perf_counter() - began:.1f} s\n{told}")
    if keep := os.environ.get("KEEP_IMAGES"):
        shutil.copytree(tmp_path, keep, dirs_exist_ok=True)
    if program == "every_field":
        assert "unknown fields: none" in told
    if program == "control":
        assert re.search(r"stopped after \d+ of 32", told)
