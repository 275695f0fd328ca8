"""The host's `modules.private_logger` in a file of its own, as its forks have it, and saves that a test holds or breaks."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
from PIL import Image

LIKE_THE_HOST = """
import os
from PIL import Image
from PIL.PngImagePlugin import PngInfo

count = 0
entries = []

def log(img, metadata, folder, output_format="png", parameters=""):
    global count
    count += 1
    path = os.path.join(folder, f"{count}.{output_format}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = Image.fromarray(img)
    if output_format == "png":
        info = PngInfo()
        info.add_text("parameters", parameters)
        image.save(path, pnginfo=info)
    elif output_format == "jpeg":
        exif = Image.Exif()
        exif[0x9286] = parameters
        image.save(path, quality=95, optimize=True, progressive=True, exif=exif)
    else:
        image.save(path, quality=95, lossless=False)
    entries.append(os.path.basename(path))
    return path
"""
READS_ITS_FILE = LIKE_THE_HOST.replace("    return path", "    assert os.path.getsize(path) > 100\n    return path")
CHANGES_THE_IMAGE = LIKE_THE_HOST.replace(
    "    image = Image.fromarray(img)", "    image = Image.fromarray(img).rotate(180)"
)


def logger_of(source: str, folder: Path) -> ModuleType:
    """Return a module with this source."""
    file = folder / "private_logger.py"
    file.write_text(source, "utf-8")
    spec = importlib.util.spec_from_file_location("private_logger_of_the_test", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(seed: int = 0, shape: tuple[int, ...] = (64, 96, 3)) -> Any:
    """Return an array of noise."""
    return numpy.random.default_rng(seed).integers(0, 256, shape, dtype=numpy.uint8)


class Disk:
    """Replaces Pillow's `save`: a test holds the saves of names that begin with a text, or lets them fail."""

    def __init__(self) -> None:
        self.held: dict[str, threading.Event] = {}
        self.broken: dict[str, Exception] = {}
        self.threads: dict[str, threading.Thread] = {}
        self._save: Callable[..., None] = Image.Image.save

    def hold(self, name: str) -> threading.Event:
        """Hold the saves of this name until the returned event is set."""
        self.held[name] = threading.Event()
        return self.held[name]

    def save(self, image: Any, fp: Any, *args: Any, **options: Any) -> None:
        """Save as Pillow does, after waiting."""
        name = Path(fp).name
        self.threads[name] = threading.current_thread()
        if name in self.held:
            assert self.held[name].wait(30)
        if name in self.broken:
            raise self.broken[name]
        self._save(image, fp, *args, **options)
