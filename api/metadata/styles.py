"""Recognises styles by their texts in a resolved prompt: Fooocus's scheme a1111 does not name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

EXPANSION = "Fooocus V2"
PLACEHOLDER = "{prompt}"
MAX_TRIES = 3000
"""Sequences of styles that are compared with a text."""
MAX_LENGTH = 60_000
"""Characters of a text that is compared. The longest prompt of a request has 20,000."""
SEPARATOR = ", "


@dataclass(frozen=True)
class Resolved:
    """A prompt line by line and as Fooocus resolved it with its styles, and the negative prompt in both forms."""

    lines: list[str]
    negative_lines: list[str]
    full: str
    full_negative: str


@dataclass(frozen=True)
class _Piece:
    name: str
    positive: str
    negative: str
    has_prompt: bool


def styles_of(prompt: Resolved, texts: Mapping[str, tuple[str, str]]) -> tuple[list[str], bool]:
    """Return the styles in their order, and whether they account for the whole text.

    Args:
        texts: positive and negative text of this host's styles by name.
    """
    if len(prompt.full) + len(prompt.full_negative) > MAX_LENGTH:
        return [], False
    for with_negative in (True, False):
        search = _Search(prompt, texts, with_negative=with_negative)
        found = search.run()
        if found is not None:
            return found, with_negative
    return [], False


class _Search:
    """A depth-first search for the sequence of styles whose texts make up a resolved prompt."""

    def __init__(self, prompt: Resolved, texts: Mapping[str, tuple[str, str]], *, with_negative: bool) -> None:
        self._full = prompt.full
        self._negative = prompt.full_negative if with_negative else ""
        self._with_negative = with_negative
        self._first = prompt.lines[0] if prompt.lines else ""
        self._extra = SEPARATOR.join(prompt.lines[1:])
        self._own_negative = SEPARATOR.join(filter(None, prompt.negative_lines)) if with_negative else ""
        self._pieces = [piece for name, text in texts.items() if (piece := self._piece(name, *text)) is not None]
        self._tries = 0

    def run(self) -> list[str] | None:
        """Return the styles, None if no sequence fits."""
        found = self._from(0, 0, (), inside=True)
        if found is None:
            start = after(self._full, 0, self._first)
            found = None if start is None else self._from(start, 0, (), inside=False)
        return found

    def _piece(self, name: str, positive: str, negative: str) -> _Piece | None:
        piece = _Piece(
            name,
            SEPARATOR.join(filter(None, positive.replace(PLACEHOLDER, self._first).splitlines())),
            SEPARATOR.join(filter(None, negative.splitlines())) if self._with_negative else "",
            PLACEHOLDER in positive,
        )
        fits = piece.positive in self._full and piece.negative in self._negative
        return piece if fits and (piece.positive or piece.negative) else None

    def _from(self, at: int, negative_at: int, used: tuple[str, ...], *, inside: bool) -> list[str] | None:
        """Return the styles from these places on.

        Args:
            inside: the prompt stands inside the text of a style, not before all of them.
        """
        self._tries += 1
        if self._tries > MAX_TRIES:
            return None
        if used or not inside:
            end = self._end(at, negative_at)
            if end is not None and (not inside or any(p.has_prompt for p in self._pieces if p.name in used)):
                return [*end, *used]
        for piece, next_at, next_negative in self._fitting(at, negative_at):
            if piece.name in used or (piece.has_prompt and not inside):
                continue
            found = self._from(next_at, next_negative, (*used, piece.name), inside=inside)
            if found is not None:
                return found
        return None

    def _fitting(self, at: int, negative_at: int) -> Iterator[tuple[_Piece, int, int]]:
        for piece in self._pieces:
            next_at, next_negative = (
                after(self._full, at, piece.positive),
                after(self._negative, negative_at, piece.negative),
            )
            if next_at is not None and next_negative is not None:
                yield piece, next_at, next_negative

    def _end(self, at: int, negative_at: int) -> list[str] | None:
        """Return the expansion's name, or nothing, if the texts end here; None if they don't."""
        if self._negative[negative_at:] != self._own_negative:
            return None
        at_expansion = after(self._full, at, self._extra)
        if at_expansion is None:
            return None
        rest = self._full[at_expansion:]
        if not rest:
            return []
        return [EXPANSION] if rest.startswith(self._first) and self._first else None


def after(text: str, at: int, piece: str) -> int | None:
    """Return the place after a piece that stands at a place of the text, None if it doesn't. An empty piece stands everywhere."""
    end = at + len(piece)
    if not piece:
        return at
    if not text.startswith(piece, at):
        return None
    if end == len(text):
        return end
    return end + len(SEPARATOR) if text.startswith(SEPARATOR, end) else None
