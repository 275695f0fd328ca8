"""`--bench`: the benchmarks, in the repository's own environment. Called by cli.py."""

from __future__ import annotations

from pathlib import Path

from .demo import demo_requirements
from .environment import prepare_environment, run_to_its_end
from .errors import InstallError


def run_benchmarks(root: Path, arguments: list[str]) -> int:
    """Run the benchmarks of these names, all when there are none, and print what they measure.

    Returns:
        0 when each came to its end.

    Raises:
        InstallError: there are no benchmarks here, or the environment can't be had.
    """
    if not (root / "benchmarks").is_dir():
        raise InstallError(f"{root} has no benchmarks: run --bench from a clone of the repository")
    python = prepare_environment(root, [*demo_requirements(root), root / "requirements-dev.txt"])
    return run_to_its_end((str(python), str(root / "benchmarks"), *arguments), root)
