"""Several processes that use one database at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from fooocus_api.tests.support.host import ROOT

SCRIPT = """
from load_package import load_package
load_package()
from fooocus_api.tests.support.cluster.member import main
main()
"""


def together(location: str, job: str, *, processes: int = 4, **options: Any) -> list[Any]:
    """Do a job of `member.py` in several processes at once, and return their results."""
    command = [sys.executable, "-c", SCRIPT, location]
    pipes: dict[str, Any] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    members = [
        subprocess.Popen([*command, f"node-{number}", job, json.dumps(options)], cwd=ROOT, **pipes)
        for number in range(processes)
    ]
    try:
        for member in members:
            assert member.stdout is not None and member.stdin is not None and member.stderr is not None
            line = member.stdout.readline()
            assert line == "ready\n", line + member.stderr.read()
        for member in members:
            assert member.stdin is not None
            member.stdin.write("go\n")
            member.stdin.flush()
        said = [member.communicate(timeout=60) for member in members]
        assert all(not problems for _, problems in said), said
        return [json.loads(text) for text, _ in said]
    finally:
        for member in members:
            member.kill()
            member.wait()
