"""Starts of the tests' hosts: matplotlib comes with its first use, and is then the real one."""

from __future__ import annotations

import os
import subprocess
import sys

from fooocus_api.tests.support.host import ROOT

SCRIPT = """
import sys
import gradio
before = "matplotlib.figure" in sys.modules
import matplotlib.pyplot
print(before, matplotlib.pyplot.Figure.__module__, "matplotlib.figure" in sys.modules)
"""


def printed(paths: str) -> str:
    environment = {**os.environ, "PYTHONPATH": paths}
    command = (sys.executable, "-c", SCRIPT)
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_matplotlib_is_imported_when_it_is_used() -> None:
    assert printed("") == "True matplotlib.figure True"
    assert printed(str(ROOT / "tests" / "support" / "lazy")) == "False matplotlib.figure True"
