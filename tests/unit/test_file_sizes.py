"""Bounds of the length of files and of the number of files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.source_tree import product_packages, python_files

MOST_LINES = 300
MOST_FILES = 10
LONG = {"demo/webui.py", "demo/modules/async_worker.py"}
"""Files of the demo that are about to be split."""


def long_files(root: Path) -> list[str]:
    lengths = {
        path.relative_to(root).as_posix(): len(path.read_text("utf-8").splitlines()) for path in python_files(root)
    }
    return [f"{file}: {length} lines" for file, length in lengths.items() if length > MOST_LINES and file not in LONG]


def full_folders(root: Path) -> list[str]:
    """Return the product's folders with too many files. `__init__.py` does not count."""
    counts: dict[str, int] = {}
    for package in product_packages(root):
        for path in (root / package).rglob("*.py"):
            folder = path.parent.relative_to(root).as_posix()
            counts[folder] = counts.get(folder, 0) + (path.name != "__init__.py")
    return [f"{folder}: {count} files" for folder, count in counts.items() if count > MOST_FILES]


def test_a_file_has_at_most_300_lines() -> None:
    assert long_files(ROOT) == []


def test_a_folder_has_few_files() -> None:
    assert full_folders(ROOT) == [], "group the files of one subject in a folder of their own"


@pytest.mark.parametrize("file", ["new.py", "benchmarks/new.py", "demo/modules/new.py", "new/a/b.py", ".ci/new.py"])
def test_a_long_file_is_found(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n" * MOST_LINES, "utf-8")
    assert long_files(tmp_path) == []
    path.write_text("\n" * (MOST_LINES + 1), "utf-8")
    assert long_files(tmp_path) == [f"{file}: {MOST_LINES + 1} lines"]


@pytest.mark.parametrize("folder", ["tasks", "tasks/queue/new", "new/a"])
def test_a_full_folder_is_found(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True)
    for name in ("__init__", *(f"part_{number}" for number in range(MOST_FILES))):
        (tmp_path / folder / f"{name}.py").touch()
    assert full_folders(tmp_path) == []
    (tmp_path / folder / "one_more.py").touch()
    assert full_folders(tmp_path) == [f"{folder}: {MOST_FILES + 1} files"]
