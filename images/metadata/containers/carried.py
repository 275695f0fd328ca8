"""Texts that a file carries, and the limits for reading them."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_TEXT_BYTES = 2**20
"""Bytes of all texts of a file, inflated. Parameters have some thousand."""
MAX_TEXTS = 64
MAX_TRIES = 128
"""Texts that are looked at, those that prove too long included: a few bytes may inflate to a megabyte."""
MAX_EXIF_BLOCKS = 8


@dataclass(frozen=True)
class CarriedText:
    """One text of a file.

    `place` is its container, such as `png` or `exif:ifd0`, and `key` its name there, such as `parameters` or `UserComment`.
    """

    place: str
    key: str
    text: str


@dataclass
class Carried:
    """All texts of a file, its size in pixels (None if unknown), and the names of texts that were too long to be read."""

    texts: list[CarriedText] = field(default_factory=list)
    size: tuple[int, int] | None = None
    skipped: list[str] = field(default_factory=list)
    left: int = MAX_TEXT_BYTES
    tries: int = 0
    exif_blocks: int = 0

    def set_size(self, size: tuple[int, int] | None) -> None:
        """Set the size, unless it is None or already known."""
        self.size = self.size or size

    def admits(self, name: str, size: int) -> bool:
        """Return whether a text of `size` bytes may be read. One that may not is noted in `skipped`."""
        self.tries += 1
        if size <= self.left and len(self.texts) < MAX_TEXTS and self.tries <= MAX_TRIES:
            return True
        if len(self.skipped) < MAX_TEXTS:
            self.skipped.append(name)
        return False

    def admits_exif(self) -> bool:
        """Return whether one more EXIF block may be read. Usual files have one."""
        self.exif_blocks += 1
        return self.exif_blocks <= MAX_EXIF_BLOCKS

    def add(self, place: str, key: str, text: str, size: int) -> None:
        """Add a text that occupies `size` bytes of the limit."""
        self.left -= size
        self.texts.append(CarriedText(place, key, text))

    def text(self, key: str) -> str:
        """Return the first text of this name, in any place, "" without one."""
        return next((one.text for one in self.texts if one.key == key), "")


def decoded(content: bytes) -> str:
    """Return a text of unknown encoding: UTF-8 if it is valid, else Latin-1."""
    content = content.rstrip(b"\0")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("latin-1")
