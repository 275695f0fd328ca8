"""Checks the packages installed in .venv for known vulnerabilities with pip-audit's online service: those of the extension, the
tests and the demo host, with all their dependencies.

A vulnerability fails the check, except in three cases: Fooocus itself pins the package (in demo/requirements_versions.txt as in
its own file of that name, where another version would make it another Fooocus), Python installs it into every .venv, or
`ANSWERED` explains why it does no harm. These are listed. Packages that the service does not know, and a service that can't be
reached, are reported and fail nothing.
"""

from __future__ import annotations

import json
import re
import subprocess  # nosec B404  # this Python with a list of arguments, no shell
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OF_THE_HOST = ROOT / "demo" / "requirements_versions.txt"
OF_PYTHON = {"pip", "setuptools"}
ANSWERED = {
    "CVE-2026-48710": "invalid Host headers are refused in front of Starlette, by asgi/cross_origin.py",
    "CVE-2026-54282": "so are paths that do not begin with a slash",
    "CVE-2026-54283": "url-encoded forms are bounded in front of it, by json_body.py and form_limits.py",
}
"""Vulnerabilities of Starlette, whose later versions break Gradio 3.41.2 → why they do no harm here."""


def main(options: list[str]) -> int:
    """Run the check and return the exit status. `options` are pip-audit's own."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *options]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")  # nosec B603  # see its import
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"SKIPPED: pip-audit found nothing out: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
        return 0
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    print(f"{len(packages) - len(unknown)} of {len(packages)} packages looked up")
    if unknown:
        few = f"{', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}"
        print(f"SKIPPED {len(unknown)} that the service does not know: {few}")
    theirs = {_plain(name) for name in _pinned(OF_THE_HOST)}
    bad = 0
    for package in packages:
        name = _plain(package["name"])
        whose = "held by Fooocus" if name in theirs else "comes with Python" if name in OF_PYTHON else None
        said = f"{whose or 'TO BE FIXED'}: {package['name']} {package.get('version')}"
        for weakness in package.get("vulns", []):
            names = [weakness["id"], *weakness["aliases"]]
            answers = [ANSWERED[name] for name in names if name in ANSWERED]
            bad += whose is None and not answers
            fixed = f"fixed in {' '.join(weakness['fix_versions']) or 'no version yet'}"
            print(f"{f'answered: {answers[0]}' if answers else said}: {' '.join(names)}, {fixed}")
    return min(bad, 1)


def _pinned(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if name := re.match(r"[\w.-]+", line):
            yield name[0]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
