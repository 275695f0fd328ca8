"""Runs the programs in examples/ as a reader would, and checks the images that each must produce on any host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from fooocus_api.tests.support.host import ROOT

Size = tuple[int, int]
Images = dict[str, Size | None]

EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "common")
PICTURE = (640, 512)
VARIED = (1152, 896)
"""Size that Fooocus makes of PICTURE if it wants at least the area of 1024 × 1024, in steps of 64."""


def images_of(default: Size) -> dict[str, Images]:
    """Return program → its image files and their sizes, None for any size; `default` is the host's default size."""
    return {
        "async_and_poll": {"async-1.png": default},
        "binary": {f"binary-{name}": default for name in ("png-1.png", "jpg-1.jpeg", "jpeg-1.jpeg", "webp-1.webp")},
        "control": {},
        "describe": {},
        "enhance": {"enhance-1.png": VARIED, "enhance-2.png": VARIED, "enhance-final-1.png": VARIED},
        "every_field": {"every-field-1.png": (512, 384)},
        "image_prompt": {"image-prompt-1.png": default, "image-prompt-2.png": default},
        "inpaint": {"inpaint-1.png": PICTURE},
        "mask": {"mask-1.png": PICTURE, "mask-u2net-1.png": PICTURE},
        "mixing": {"mixing-vary-1.png": VARIED, "mixing-inpaint-1.png": PICTURE, "mixing-all-1.png": None},
        "outpaint": {"outpaint-1.png": (832, 665), "outpaint-distance-1.png": (960, 512)},
        "presets": {"preset-1.png": default},
        "stream": {"stream-1.png": default, "stream-preview-1.png": None},
        "text_to_image": {
            "text-to-image-1.png": default,
            "text-to-image-2.png": default,
            "text-to-image-nothing-said-1.png": default,
        },
        "upscale_and_vary": {
            "upscale-fast-2x-1.png": (1280, 1024),
            "upscale-1.5x-1.png": VARIED,
            "vary-subtle-1.png": VARIED,
            "vary-strong-1.png": VARIED,
            "upscale-custom-1.png": (1600, 1280),
        },
    }


def run_example(program: str, url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an example against a host, with its images in `folder`; the caller checks the exit status."""
    command = [sys.executable, str(EXAMPLES / f"{program}.py"), "--url", url, "--out", str(folder), *options]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=600
    )


def check_example(program: str, url: str, folder: Path, default: Size, *options: str) -> str:
    """Run an example, fail unless it succeeds and leaves its images in their sizes, and return its output."""
    done = run_example(program, url, folder, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, size in images_of(default)[program].items():
        with Image.open(folder / name) as image:
            image.load()
            assert size is None or image.size == size, f"{name} is {image.size}\n{done.stdout}"
    return done.stdout
