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


class Processes:
    """Four processes that do the same jobs at the same time; they run within its `with` block."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", SCRIPT]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        names = [f"node-{number}" for number in range(4)]
        self._members = [subprocess.Popen([*command, name], cwd=ROOT, **pipes) for name in names]
        self.conflicts = 0
        """Transactions so far that the server has rolled back in favour of another."""

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.kill()
            member.communicate()

    def do(self, location: str, job: str, **options: Any) -> list[Any]:
        """Do a job of `member.py` with a database in all processes, and return their results."""
        self._send(json.dumps([location, job, options]))
        assert self._received() == ["ready\n"] * 4
        self._send("go")
        answers = [json.loads(line) for line in self._received()]
        self.conflicts = sum(each["conflicts"] for each in answers)
        return [each["answer"] for each in answers]

    def _send(self, line: str) -> None:
        for member in self._members:
            assert member.stdin is not None
            member.stdin.write(f"{line}\n")
            member.stdin.flush()

    def _received(self) -> list[str]:
        return [member.stdout.readline() for member in self._members if member.stdout is not None]
