"""`--test`: runs the test suite in the repository's own environment."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InstallError
from .run_demo import demo_requirements
from .venv import prepare_environment, run_to_its_end

MAX_PROCESSES = 4
"""Maximum number of test processes; each starts hosts of its own."""


def run_tests(root: Path, arguments: list[str]) -> int:
    """Run pytest in the repository with these arguments; without any, all tests in several processes.

    Returns:
        pytest's exit status.

    Raises:
        InstallError: the tests are missing here, or the environment can't be prepared.
    """
    if not (root / "tests").is_dir():
        raise InstallError(f"{root} has no tests; run --test from a clone of the repository")
    python = prepare_environment(
        root, [*demo_requirements(root), root / "requirements-cluster.txt", root / "requirements-dev.txt"]
    )
    processes = min((os.cpu_count() or 1) + 1, MAX_PROCESSES)  # tests wait for hosts and browsers a part of the time
    # The tests of a file share their hosts.
    options = arguments or ["-n", str(processes), "--dist", "loadfile"]
    return run_to_its_end((str(python), "-m", "pytest", *options), root)
