"""LoRA tags in a prompt: `<lora:name:0.7>`.

Fooocus reads them in a prompt's first line only, by a file's bare stem, for which it takes the first listed file, and drops
tags without one. This module accepts tags in any line, with folder and ending, and rewrites them to the form that Fooocus
reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from .model_files import CASE_MATTERS, comparable

TAG = re.compile(r"<\s*lora\s*:([^<>]*)>", re.IGNORECASE)
_HOSTS_OWN = re.compile(r"<lora:([^:]+):[+-]?(?:\d+(?:\.\d*)?|\.\d+)>")
BEGINNING = re.compile(r"[<＜‹〈《「]\s*(?:lora|lyco)\s*[:：]", re.IGNORECASE)
"""Matches the beginning of a malformed tag: unclosed, with full-width or other brackets, or of another program."""
MAX_QUOTED_LENGTH = 120
"""Characters of a tag that an error message quotes."""
_WEIGHT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_BLANK = ",. \r\n"
"""Characters that Fooocus strips from a line before it decides that the line is empty."""


class UnusableTag(ValueError):
    """A tag that Fooocus would drop; the message has the reason and the remedy. `allowed` are candidates for the name."""

    def __init__(self, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = list(allowed)


@dataclass(frozen=True)
class Tag:
    """One tag: its file, and its weight as written in the prompt."""

    file: str
    weight: str

    @property
    def written(self) -> str:
        """The tag in the form that Fooocus reads."""
        return f"<lora:{PurePath(self.file).stem}:{self.weight}>"


class LoraFiles:
    """The host's LoRAs by the names that a tag may use."""

    def __init__(self, files: Iterable[str], *, case_matters: bool = CASE_MATTERS) -> None:
        """Index the files, given in the host's order."""
        self._case_matters = case_matters
        self._first: dict[str, str] = {}
        self._whole: dict[PurePosixPath, list[str]] = {}
        self._ends: dict[PurePosixPath, list[str]] = {}
        for file in files:
            self._first.setdefault(PurePath(file).stem, file)
            path = comparable(file, case_matters=case_matters)
            for name in {path, path.with_suffix("")} if path.parts else ():
                self._whole.setdefault(name, []).append(file)
                for start in range(len(name.parts)):
                    self._ends.setdefault(PurePosixPath(*name.parts[start:]), []).append(file)

    def has_stem(self, stem: str) -> bool:
        """Return whether Fooocus finds a file with that stem."""
        return stem in self._first

    def meant(self, name: str) -> str:
        """Return the file of a name: a stem or a file name, with all, some or none of its folders.

        Raises:
            UnusableTag: the name matches no file or several, or Fooocus can't load the file by a tag.
        """
        wanted = comparable(name, case_matters=self._case_matters)
        found = self._whole.get(wanted) or self._ends.get(wanted)
        if not found:
            raise UnusableTag(f"unknown LoRA {name[:MAX_QUOTED_LENGTH]!r}; GET /v1/engines/all-models lists them")
        if len(found) > 1:
            raise UnusableTag(
                f"{name[:MAX_QUOTED_LENGTH]!r} is the name of several LoRAs; name the one that is meant in loras", found
            )
        (file,) = found
        stem = PurePath(file).stem
        if self._first[stem] != file or "," in stem or ":" in stem:
            raise UnusableTag(f"{file!r} can't be named in a prompt of Fooocus; name it in loras instead", [file])
        return file


def tags(text: str, files: LoraFiles) -> Iterator[Tag | UnusableTag]:
    """Yield the tags in all lines of a prompt, and an error in place of each unusable one."""
    rest = TAG.sub("", text)
    for beginning in BEGINNING.finditer(rest):
        written = text_around(rest, beginning)
        yield UnusableTag(f"{written!r} is not a tag that Fooocus reads; write it like <lora:name:0.7>")
    for match in TAG.finditer(text):
        try:
            yield _tag(match, files)
        except UnusableTag as error:
            yield error


def text_around(text: str, match: re.Match[str]) -> str:
    """Return a match with up to 20 characters after it, within its line, to quote in an error."""
    return text[match.start() : match.end() + 20].splitlines()[0]


def rewritten(texts: Sequence[str], files: LoraFiles) -> list[str]:
    """Return prompts that Fooocus joins to one, with all tags moved to the first line that is not empty, by their stems.

    Prompts are unchanged if Fooocus reads all their tags already, or if one of the tags is unusable.
    """
    lines = [text.splitlines() for text in texts]
    order = [(index, number) for index, part in enumerate(lines) for number in range(len(part))]
    first = next((place for place in order if lines[place[0]][place[1]].strip(_BLANK)), None)
    if first is None or all(_is_taken(lines[i][n], files, is_first=(i, n) == first) for i, n in order):
        return list(texts)
    moved: list[str] = []
    try:
        for index, number in order:
            line = lines[index][number]
            if (index, number) == first:
                lines[index][number] = TAG.sub(lambda match: _tag(match, files).written, line)
            else:
                moved += [_tag(match, files).written for match in TAG.finditer(line)]
                lines[index][number] = TAG.sub("", line)
    except UnusableTag:
        return list(texts)
    lines[first[0]][first[1]] = ", ".join([lines[first[0]][first[1]], *moved])
    return ["\n".join(part) for part in lines]


def _is_taken(line: str, files: LoraFiles, *, is_first: bool) -> bool:
    """Return whether Fooocus reads all tags of a line as written."""
    found = [match[0] for match in TAG.finditer(line)]
    if not found or not is_first:
        return not found
    own = list(_HOSTS_OWN.finditer(line))
    return [match[0] for match in own] == found and all(files.has_stem(match[1]) for match in own)


def _tag(match: re.Match[str], files: LoraFiles) -> Tag:
    """Return the file and weight of a tag.

    Raises:
        UnusableTag: Fooocus would drop the tag, or load another file.
    """
    name, colon, weight = match[1].rpartition(":")
    if not colon:
        name, weight = match[1], "1"
    name, weight = name.strip(), weight.strip()
    if ":" in name or not name or not _WEIGHT.fullmatch(weight):
        raise UnusableTag(f"{match[0][:MAX_QUOTED_LENGTH]!r} is not understood; write it like <lora:name:0.7>")
    return Tag(files.meant(name), weight)
