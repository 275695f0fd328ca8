"""Bounds of the length of files and of the number of files in a folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources.source_tree import product_packages, python_files

MOST_LINES = 300
MOST_FILES = 10
MOST_TESTS = 30


def long_files(root: Path) -> list[str]:
    lengths = {
        path.relative_to(root).as_posix(): len(path.read_text("utf-8").splitlines()) for path in python_files(root)
    }
    return [f"{file}: {length} lines" for file, length in lengths.items() if length > MOST_LINES]


def full_folders(root: Path) -> list[str]:
    """Return the folders with too many files. `__init__.py` does not count."""
    packages = product_packages(root)
    counts = Counter(path.parent.relative_to(root) for path in python_files(root) if path.name != "__init__.py")
    most = {folder: MOST_FILES if folder.as_posix().split("/")[0] in packages else MOST_TESTS for folder in counts}
    return [f"{folder.as_posix()}: {count} files" for folder, count in counts.items() if count > most[folder]]


def test_a_file_has_at_most_300_lines() -> None:
    assert long_files(ROOT) == [], "divide the file by its subjects"


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


@pytest.mark.parametrize(
    ("folder", "most"),
    [
        ("tasks", MOST_FILES),
        ("tasks/queue/new", MOST_FILES),
        ("new/a", MOST_FILES),
        ("tests/api", MOST_TESTS),
        ("tests/support/a", MOST_TESTS),
    ],
)
def test_a_full_folder_is_found(folder: str, most: int, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True)
    for name in ("__init__", *(f"part_{number}" for number in range(most))):
        (tmp_path / folder / f"{name}.py").touch()
    assert full_folders(tmp_path) == []
    (tmp_path / folder / "one_more.py").touch()
    assert full_folders(tmp_path) == [f"{folder}: {most + 1} files"]
