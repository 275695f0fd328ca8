"""Parses requirement files and compares them with the installed packages, for plain pins only."""

from __future__ import annotations

import importlib
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Requirement:
    """A requirement such as `starlette==0.52.1` or `huggingface_hub>=0.23.2,<1.0`; only `==`, `>=` and `<` are supported."""

    name: str
    specifier: str

    def admits(self, version: str) -> bool:
        """Return whether that version satisfies the requirement.

        Raises:
            ValueError: the specifier has another operator.
        """
        for part in filter(None, self.specifier.split(",")):
            match = re.fullmatch(r"\s*(==|>=|<)\s*([\w.]+)\s*", part)
            if match is None:
                raise ValueError(f"{self.name}{self.specifier} is not supported; use ==, >= and <")
            if not COMPARE[match[1]](*_same_length(_numbers(version), _numbers(match[2]))):
                return False
        return True

    @property
    def installed(self) -> str | None:
        """The installed version in this interpreter, None if it is missing."""
        return installed_version(self.name)

    @property
    def met(self) -> bool:
        """True if the installed version satisfies the requirement."""
        return self.installed is not None and self.admits(self.installed)


def read_requirements(file: Path) -> list[Requirement]:
    """Return the requirements in a file, none if it is missing. Comments, options and other forms are ignored."""
    if not file.is_file():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*((?:[=<>!~]=?=?[^;#]*)?)", line.split("#")[0].split(";")[0].strip())
        if match:
            found.append(Requirement(match[1], match[2].strip()))
    return found


def installed_version(name: str) -> str | None:
    """Return the installed version of a distribution in this interpreter, None if it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def installed_versions() -> dict[str, str]:
    """Return the version of every distribution of this interpreter by normalized name, including what pip has just installed."""
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name: str | None = distribution.metadata["Name"]
        if name:  # leftovers of an interrupted pip install have none
            found.setdefault(normalized(name), distribution.version)
    return found


def normalized(name: str) -> str:
    """Return the normalized name: `huggingface_hub`, `Huggingface-Hub` and `huggingface.hub` are the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split("."))  # type: ignore[index]


def _same_length(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(left), len(right))
    return left + (0,) * (length - len(left)), right + (0,) * (length - len(right))
