"""`--test`: the test suite, in the repository's own environment. Called by cli.py."""

from __future__ import annotations

import os
from pathlib import Path

from .demo import demo_requirements
from .environment import prepare_environment, run_to_its_end
from .errors import InstallError

MOST_PROCESSES = 4
"""Each starts hosts of its own."""


def run_tests(root: Path, arguments: list[str]) -> int:
    """Run pytest in the repository with these arguments; all tests when there are none, in as many processes as help.

    Returns:
        pytest's exit status.

    Raises:
        InstallError: there are no tests here, or the environment can't be had.
    """
    if not (root / "tests").is_dir():
        raise InstallError(f"{root} has no tests: run --test from a clone of the repository")
    python = prepare_environment(root, [*demo_requirements(root), root / "requirements-dev.txt"])
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    options = arguments or ["-n", str(processes), "--dist", "loadgroup"]
    return run_to_its_end((str(python), "-m", "pytest", *options), root)
