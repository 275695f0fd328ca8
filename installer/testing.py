"""`--test`: the test suite, in the repository's own environment. Called by cli.py."""

from __future__ import annotations

from pathlib import Path

from .demo import demo_requirements
from .environment import prepare_environment, run_to_its_end
from .errors import InstallError


def run_tests(root: Path, arguments: list[str]) -> int:
    """Run pytest in the repository with these arguments; all tests when there are none.

    Returns:
        pytest's exit status.

    Raises:
        InstallError: there are no tests here, or the environment can't be had.
    """
    if not (root / "tests").is_dir():
        raise InstallError(f"{root} has no tests: run --test from a clone of the repository")
    python = prepare_environment(root, [*demo_requirements(root), root / "requirements-dev.txt"])
    return run_to_its_end((str(python), "-m", "pytest", *arguments), root)
