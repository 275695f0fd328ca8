"""Requirement files and what of them is installed, for plain pins only. Used by check.py and install.py."""

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
    """Such as `starlette==0.52.1` or `huggingface_hub>=0.23.2,<1.0`; only `==`, `>=` and `<` are known."""

    name: str
    specifier: str

    def admits(self, version: str) -> bool:
        """Whether that version will do."""
        for part in filter(None, self.specifier.split(",")):
            match = re.fullmatch(r"\s*(==|>=|<)\s*([\w.]+)\s*", part)
            if match is None:
                raise ValueError(f"{self.name}{self.specifier}: only ==, >= and < are understood here")
            if not COMPARE[match[1]](*_same_length(_numbers(version), _numbers(match[2]))):
                return False
        return True

    @property
    def installed(self) -> str | None:
        """The version this interpreter has of it."""
        return installed_version(self.name)

    @property
    def met(self) -> bool:
        """Whether nothing need be done for it."""
        return self.installed is not None and self.admits(self.installed)


def read_requirements(file: Path) -> list[Requirement]:
    """The requirements of a file, none if it is not there. Comments, options and other forms are left out."""
    if not file.is_file():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*((?:[=<>!~]=?=?[^;#]*)?)", line.split("#")[0].split(";")[0].strip())
        if match:
            found.append(Requirement(match[1], match[2].strip()))
    return found


def installed_version(name: str) -> str | None:
    """The version this interpreter has of a distribution, None when it has none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def installed_versions() -> dict[str, str]:
    """Every distribution of this interpreter, by normalized name. Sees what pip did a moment ago."""
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name: str | None = distribution.metadata["Name"]
        if name:  # what pip left over from an interrupted install has none
            found.setdefault(normalized(name), distribution.version)
    return found


def normalized(name: str) -> str:
    """`huggingface_hub`, `Huggingface-Hub` and `huggingface.hub` are one name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split("."))  # type: ignore[index]


def _same_length(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(left), len(right))
    return left + (0,) * (length - len(left)), right + (0,) * (length - len(right))
