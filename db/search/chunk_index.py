"""Index of one chunk: the set of rows of each key of its prompts."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from .keys import GRAM, grams, words_in
from .row_sets import CHUNK, stored

LEAST_ROWS = 8
"""Rows of a chunk that must contain a word of more than three characters for it to be a key: for rarer words the rows that its
parts have in common are few enough to be read."""
MAX_CHARACTERS, MAX_KEYS = 600_000, 500_000
"""Characters of a chunk's tokens, each counted once, and keys beyond which it gets no index: its memory is bounded. Prompts of
usual lengths have a third of these characters, and a tenth of the keys."""
CODES_AT_ONCE = 50_000
"""Pairs of a key and a row that are computed at once, in about a millisecond."""

Codes = numpy.ndarray[Any, numpy.dtype[Any]]


class TooLong(Exception):
    """The prompts of a chunk are too long to be indexed."""


class ChunkIndex:
    """Collects the prompts of a chunk, and makes the sets of its keys. Only one thread may use it.

    `pause` is called every few dozen microseconds: it may give way to other threads.
    """

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._rows_of: dict[str, array[int]] = {}
        self._characters = 0

    def add(self, offset: int, prompt: str) -> None:
        """Add the prompt of the row at that place of the chunk, after those of the places before it.

        Raises:
            TooLong: the prompts are too long to be indexed.
        """
        for token in set(prompt.split()):
            if token not in self._rows_of:
                self._rows_of[token] = array("H")
                self._characters += len(token)
            self._rows_of[token].append(offset)
        if self._characters > MAX_CHARACTERS:
            raise TooLong
        self._pause()

    def sets(self) -> Iterator[tuple[bytes, bytes]]:
        """Return an iterator over the keys in UTF-8 with their stored sets, sorted by key.

        Raises:
            TooLong: the prompts have too many keys.
        """
        numbers, blocks = self._codes(self._beginnings())
        return self._sets(numbers, blocks) if blocks else iter(())

    def _sets(self, numbers: Mapping[str, int], blocks: Sequence[Codes]) -> Iterator[tuple[bytes, bytes]]:
        codes = numpy.unique(numpy.concatenate(blocks))  # sorts, without the interpreter's lock
        ends = numpy.arange(len(numbers) + 1, dtype=numpy.int64) * CHUNK
        firsts = numpy.searchsorted(codes, ends.astype(codes.dtype))
        rows = (codes % CHUNK).astype("<u2").tobytes()
        for key in self._sorted(numbers):
            number = numbers[key]
            yield key.encode(), stored(rows[2 * firsts[number] : 2 * firsts[number + 1]])

    def _sorted(self, keys: Iterable[str]) -> Iterator[str]:
        """Yield the keys in their order, which is that of their UTF-8, without sorting many at once."""
        groups: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            groups[key[0]].append(key)
        for _, group in sorted(groups.items()):
            self._pause()
            for key in sorted(group):
                self._pause()
                yield key

    def _codes(self, beginnings: Mapping[str, set[str]]) -> tuple[dict[str, int], list[Codes]]:
        """Return a number for each key, and `number * CHUNK + row` for each row of each key, sorted in each block."""
        numbers: dict[str, int] = {}
        blocks, block = [], _Block()
        for token, rows in self._rows_of.items():
            keys = grams(token) | _known_words(token, beginnings)
            block.add([numbers.setdefault(key, len(numbers)) for key in keys], rows)
            if len(numbers) > MAX_KEYS:
                raise TooLong
            if block.size >= CODES_AT_ONCE:
                blocks.append(block.codes())
                block = _Block()
            self._pause()
        return numbers, [*blocks, block.codes()] if block.size else blocks

    def _beginnings(self) -> dict[str, set[str]]:
        """Return the longer words that are keys, by their first three characters."""
        numbers: Counter[str] = Counter()
        for token, rows in self._rows_of.items():
            self._pause()
            for word in words_in(token):
                numbers[word] += len(rows)
        words: dict[str, set[str]] = defaultdict(set)
        for word, number in numbers.items():
            if number >= LEAST_ROWS:
                words[word[:GRAM]].add(word)
        return words


class _Block:
    """Tokens with their keys and rows, of which all pairs are computed at once."""

    def __init__(self) -> None:
        self.size = 0
        self._keys, self._rows, self._ends, self._repeats = array("i"), array("H"), array("i"), array("i")

    def add(self, keys: list[int], rows: array[int]) -> None:
        """Add the numbers of a token's keys, and its rows."""
        self._keys.extend(keys)
        self._ends.append(len(self._keys))
        self._repeats.append(len(rows))
        self._rows.extend(rows)
        self.size += len(keys) * len(rows)

    def codes(self) -> Codes:
        """Return `key * CHUNK + row` for each pair of a key and a row, sorted."""
        # One run of keys for each row of each token, of which the last ends at `ends`.
        sizes = numpy.repeat(numpy.diff(self._ends, prepend=0), self._repeats)
        last = numpy.repeat(numpy.asarray(self._ends), self._repeats)
        places = numpy.arange(sizes.sum()) + numpy.repeat(last - sizes.cumsum(), sizes)
        keys = numpy.asarray(self._keys, numpy.uint32)[places]
        return numpy.unique(keys * numpy.uint32(CHUNK) + numpy.repeat(numpy.asarray(self._rows, numpy.uint32), sizes))


def _known_words(token: str, beginnings: Mapping[str, set[str]]) -> set[str]:
    """Return the keys of more than three characters that a token contains."""
    found: set[str] = set()
    for start in range(len(token) - GRAM):
        for word in beginnings.get(token[start : start + GRAM], ()):
            if token.startswith(word, start):
                found.add(word)
    return found
