"""The host's own `modules.private_logger`, with the extension's log or without it, in this process or in one of its own."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy

from fooocus_api.adapters.image_log.image_log import ImageLog
from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.tests.support.host import ROOT

DAY = "2026-01-31"
SCRIPT = f"import runpy; runpy.run_path({str(ROOT / 'load_package.py')!r})['load_package'](); " + (
    "from fooocus_api.tests.support.hosts.day_log import main; main()"
)


class DayLog:
    """The host's `log`, which writes small images with given names into one day's folder.

    The host's `modules.private_logger` must be importable. `log` is the extension's, None without it.
    """

    def __init__(self, outputs: Path, *, extended: bool = True) -> None:
        self._outputs = outputs
        self.turn_to(DAY)
        self.host = importlib.import_module("modules.private_logger")
        self.names: list[str] = []
        vars(self.host)["generate_temp_filename"] = self._name
        self.patches = Patches()
        self.log: ImageLog | None = None
        self.restart(extended=extended)

    def turn_to(self, day: str) -> None:
        """Save the next images in the folder of this day."""
        self.folder = self._outputs / day
        self.page = self.folder / "log.html"

    def restart(self, *, extended: bool = True) -> None:
        """Begin as a new process would."""
        self.patches.uninstall()
        self.patches = Patches()
        self.host.log_cache.clear()
        self.log = ImageLog() if extended else None
        if self.log is not None:
            self.log.patch(self.host, self.patches)

    def close(self) -> None:
        self.patches.uninstall()

    def write(self, *names: str, prompt: str = "a cat,\na <b>dog</b>, 狗 & mouse") -> None:
        """Have the host save images with these names, one after the other."""
        for name in names:
            self.names.append(name)
            metadata = [("Prompt", "prompt", prompt), ("Seed", "seed", str(len(name)))]
            image = numpy.zeros((8, 8, 3), dtype=numpy.uint8)
            self.host.log(image, metadata, None, "png", {"positive": [prompt, name], "negative": []})

    def shown(self) -> list[str]:
        """Return the names of the images in the page's file, the newest first."""
        text = self.page.read_text("utf-8") if self.page.exists() else ""
        return [part.partition('"')[0] for part in text.split('<a href="')[1:]]

    def _name(self, *_: Any, **__: Any) -> tuple[str, str, str]:
        return self.folder.name, str(self.folder / self.names[-1]), self.names[-1]


MakeDay = Callable[..., DayLog]
"""Maker of a log; it takes the name of its outputs folder, and `extended`."""


def run_alone(
    python: str, checkout: Path, outputs: Path, names: Sequence[str], *, extended: bool = True, kill: bool = False
) -> None:
    """Save images in a process of its own, which ends regularly or kills itself."""
    plan = {"checkout": str(checkout), "outputs": str(outputs), "names": [*names], "extended": extended, "kill": kill}
    done = subprocess.run([python, "-c", SCRIPT, json.dumps(plan)], capture_output=True, text=True, timeout=300)
    expected = -signal.SIGKILL if kill and sys.platform != "win32" else 0
    assert done.returncode == expected, done.stderr[-3000:]


def main() -> None:
    """Save the images of the plan in the command line."""
    plan = json.loads(sys.argv[1])
    os.chdir(plan["checkout"])
    sys.path.insert(0, plan["checkout"])
    sys.argv = ["launch.py", "--output-path", plan["outputs"]]
    day = DayLog(Path(plan["outputs"]), extended=plan["extended"])
    day.write(*plan["names"])
    if plan["kill"]:
        os.kill(os.getpid(), signal.SIGKILL)
    day.close()
