"""Script that takes the README's pictures of the dashboard: `python docs/write_pictures.py`, with Chromium and `.venv`'s Python.

A demo host generates what they show. The strip is the gallery, a task, and the page on a phone in Chinese.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).resolve().parent
TARGET = DOCS / "images"
SIZE = (1400, 900)
STRIP_SIZE = (1000, 720)
STRIP_HEIGHT = 420
GAP = 12
QUALITY = 88
PROMPTS = (
    *(
        "a lighthouse above the fog",
        "first light over the valley",
        "a lake between dark hills",
        "dunes under a red sky",
    ),
    *(
        "a winter morning in the mountains",
        "the coast after the storm",
        "rolling hills in May",
        "a pale moon over the plain",
    ),
    *("a road into the mist", "the last sun of October", "islands in still water", "a meadow before the rain"),
)
MODELS = ("demo_daylight.safetensors", "demo_nightfall.safetensors")
SIZES = ("1152*896", "896*1152", "1024*1024", "1344*768")
LIGHT = {"language": "en", "theme": "light"}
DARK = {"language": "en", "theme": "dark"}


def main() -> None:
    """Write `dashboard.webp` and `strip.webp`."""
    sys.path[:] = [str(DOCS.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != DOCS)]
    importlib.import_module("load_package").load_package()
    support = "fooocus_api.tests.support"
    host_of = importlib.import_module(f"{support}.host").demo_host
    with host_of(step_ms=150) as host, importlib.import_module(f"{support}.browsers.browser").Browser() as browser:
        client = importlib.import_module(f"{support}.client").Client(host.url)
        page = importlib.import_module(f"{support}.browsers.dashboard").Dashboard(browser, host.url)
        with tempfile.TemporaryDirectory(prefix="fooocus-api-pictures-") as folder:
            take(page, client, Path(folder))


def take(page: Any, client: Any, folder: Path) -> None:
    """Generate, and take the pictures."""
    full = {"overwrite_width": -1, "overwrite_height": -1, "overwrite_step": -1, "performance_selection": "Speed"}
    for number, prompt in enumerate(PROMPTS):
        wanted = {
            "aspect_ratios_selection": SIZES[number % len(SIZES)],
            "style_selections": ["Fooocus V2", "Fooocus Sharp"],
        }
        client.draw(prompt=prompt, **{**full, "overwrite_step": 8, **wanted}, image_seed=str(1000 + number))
    newest, *_ = client.tasks(query="history", page_size=1)["history"]
    page.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    page.size(*STRIP_SIZE)
    shots = [
        shot(page, folder, "#/gallery", ".tile img.ready", LIGHT),
        shot(page, folder, f"#/task/{newest['task_id']}", ".viewer img", DARK),
    ]
    running = client.submit(**{**full, "prompt": "a lighthouse in a storm, oil painting", "image_number": 2})
    for prompt in ("castle in fog at dawn, cinematic", "robot portrait, studio light", "a fox in the snow, macro"):
        client.submit(**{**full, "prompt": prompt})
    client.until(running["task_id"], "running")
    page.size(*SIZE)
    page.open("#/", **LIGHT)
    page.see(".queue-row .prompt", "a fox")
    page.browser.until(lambda: page.painted(".running canvas"), "a preview")
    page.browser.until(lambda: int("0" + page.see(".running .percent").text.split()[0]) >= 30, "a third of the task")
    overview = page.screenshot(folder, "overview")
    page.size(390, 844)
    shots.append(shot(page, folder, "#/", ".running .percent", {"language": "zh", "theme": "dark"}))
    TARGET.mkdir(exist_ok=True)
    Image.open(overview).convert("RGB").save(TARGET / "dashboard.webp", quality=QUALITY, method=6)
    strip_of(shots).save(TARGET / "strip.webp", quality=QUALITY, method=6)


def shot(page: Any, folder: Path, route: str, selector: str, preferences: dict[str, str]) -> Path:
    """Open a route, wait for an element, and take a picture."""
    page.open(route, **preferences)
    page.see(selector)
    time.sleep(2)  # a picture may still fade in
    taken: Path = page.screenshot(folder, f"{len(list(folder.iterdir()))}")
    return taken


def strip_of(shots: list[Path]) -> Image.Image:
    """Return pictures next to each other, at one height."""
    pictures = [Image.open(path).convert("RGB") for path in shots]
    scaled = [
        one.resize((one.width * STRIP_HEIGHT // one.height, STRIP_HEIGHT), Image.Resampling.LANCZOS) for one in pictures
    ]
    strip = Image.new("RGB", (sum(one.width + GAP for one in scaled) - GAP, STRIP_HEIGHT), "white")
    left = 0
    for one in scaled:
        strip.paste(one, (left, 0))
        left += one.width + GAP
    return strip


if __name__ == "__main__":
    main()
