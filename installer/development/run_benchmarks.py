"""`--bench`: runs the benchmarks in the repository's own environment."""

from __future__ import annotations

from pathlib import Path

from ..errors import InstallError
from .run_demo import demo_requirements
from .venv import prepare_environment, run_to_its_end


def run_benchmarks(root: Path, arguments: list[str]) -> int:
    """Run the benchmarks with these names, all if there are none, and print their results.

    Returns:
        0 if all completed.

    Raises:
        InstallError: the benchmarks are missing here, or the environment can't be prepared.
    """
    if not (root / "benchmarks").is_dir():
        raise InstallError(f"{root} has no benchmarks; run --bench from a clone of the repository")
    python = prepare_environment(
        root, [*demo_requirements(root), root / "requirements-cluster.txt", root / "requirements-dev.txt"]
    )
    return run_to_its_end((str(python), str(root / "benchmarks"), *arguments), root)
