"""Reads the parameters of an image file or a pasted text, in the order in which their notations can be trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .containers.carried import Carried, CarriedText
from .containers.file_texts import texts_of
from .pasted import LOG, pasted
from .schemes import a1111, fooocus, forks, other_programs, values
from .schemes.found import Generator, Metadata

MAX_RAW_LENGTH = 65_536
"""Characters of the returned text."""
SCHEMES = ("fooocus", "a1111", "simple")
"""Schemes that Fooocus and its forks name in a file."""
OBJECTS = {"parameters", "comment", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "usercomment"}
"""Keys of texts that may hold an object, in lower case."""
PREFIXES = ("prompt:", "workflow:")
"""Beginnings of ComfyUI's texts in EXIF tags."""
_LOST = re.compile(r"\?\?")
LOST = (
    "the file has question marks in place of characters that its scheme can't hold, such as Chinese; Fooocus writes them so "
    "in JPEG and WebP with the scheme a1111, and the text is lost"
)


def read_file(content: bytes) -> Metadata:
    """Return the parameters in an image file; its scheme is None without any. Off the event loop.

    Raises:
        Unreadable: the file is not an image of a supported format.
    """
    carried = texts_of(content)
    found = _best(carried) or Metadata()
    found.describe(size=carried.size)
    if carried.skipped:
        found.warnings.append("the file has texts that are too long or too many; they were not read")
    if found.scheme == "a1111" and found.by_fooocus and (found.source or "").startswith("exif"):
        texts = (found.parameters.prompt, found.parameters.negative_prompt)
        if any(_LOST.search(text or "") for text in texts):
            found.warnings.append(LOST)
    return found


def read_text(written: str) -> Metadata:
    """Return the parameters in a pasted text; the scheme is None without any. Off the event loop."""
    source = pasted(written)
    found = _read(CarriedText("text", "parameters", source.text), "", Generator()) or Metadata()
    if found.scheme is None:
        return found
    found.describe(source=source.place, scheme="log-html" if source.place == LOG else None)
    if source.images > 1:
        found.warnings.append(f"the page has {source.images} images; these are the parameters of its first one")
    return found


def _best(carried: Carried) -> Metadata | None:
    """Return the result of the text that can be trusted most: marked by Fooocus, else read, else recognised."""
    mark = carried.text("fooocus_scheme") or carried.text("MakerNote")
    mark = mark if mark in SCHEMES else ""
    software = carried.text("Software")
    generator = fooocus.generator_of(software, Generator()) if mark else Generator()
    recognised = None
    for text in sorted(carried.texts, key=_trust):
        found = _read(text, mark, generator)
        if found is None:
            continue
        if found.can_repeat:
            return found
        recognised = recognised or found
    if recognised is None and software.startswith("NovelAI"):
        recognised = Metadata("novelai", Generator("NovelAI"), can_repeat=False)
    return recognised


def _trust(text: CarriedText) -> int:
    order = ("parameters", "UserComment", "comment", "Comment")
    return order.index(text.key) if text.key in order else len(order)


def _read(text: CarriedText, mark: str, generator: Generator) -> Metadata | None:
    """Return what one text has, None if it has no parameters."""
    raw = values.clean(text.text)[:MAX_RAW_LENGTH]
    found = Metadata(generator=generator, source=_source(text), raw=raw)
    if len(text.text) > MAX_RAW_LENGTH:
        found.warnings.append(f"raw has the first {MAX_RAW_LENGTH} characters of the text")
    for key, content in _objects(text):
        if _read_object(key, content, mark, found):
            return found
    parts = a1111.text_of(values.clean(text.text))
    if parts is None:
        return None
    found.describe(scheme="a1111")
    a1111.read_a1111(parts, found, marked=bool(mark))
    return found


def _read_object(key: str, content: dict[str, Any], mark: str, found: Metadata) -> bool:
    """Fill `found` from an object, and return whether it has parameters."""
    if forks.is_ruined(content):
        found.describe(scheme="ruinedfooocus")
        forks.read_ruined(content, found)
    elif forks.is_mre(content):
        found.describe(scheme="fooocus-mre")
        forks.read_mre(content, found)
    elif fooocus.is_labelled(content) and not fooocus.is_short(content):
        found.describe(scheme="fooocusplus" if fooocus.is_plus(content) else "fooocus")
        fooocus.read_fooocus(content, found)
    elif fooocus.is_short(content) or mark == "fooocus":
        found.describe(scheme="fooocus")
        fooocus.read_fooocus(content, found)
    elif other_programs.is_invoke(content):
        found.describe(scheme="invokeai")
        other_programs.read_invoke(content, found)
    elif program := other_programs.program_of(key, content):
        found.describe(scheme=program, can_repeat=False, generator=Generator(other_programs.PROGRAMS[program]))
    return found.scheme is not None


def _objects(text: CarriedText) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the object in a text with its key in lower case, if it is one."""
    key, written = text.key.lower(), text.text.strip()
    for prefix in PREFIXES:
        if written[: len(prefix)].lower() == prefix:
            key, written = prefix[:-1], written[len(prefix) :]
    if key not in OBJECTS and not text.place.startswith("exif"):
        return
    if written.startswith("{"):
        try:
            content = values.json_of(written)
        except ValueError:
            return
        if isinstance(content, dict):
            yield key, content


def _source(text: CarriedText) -> str:
    """Return the place of a text as answers name it: `png:parameters`, `exif:ifd0`."""
    return text.place if text.place.startswith("exif") else f"{text.place}:{text.key.lower()}"
