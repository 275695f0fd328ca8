"""Sets of rows that may contain all words of a search, computed from stored sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from . import row_sets
from .keys import GRAM, grams_for

Sets = list[tuple[int, bytes, bytes]]
Fetch = Callable[[Sequence[int], Sequence[bytes]], Sets]
"""Function that returns the chunk, the key and the set of each of these keys that these chunks have."""
WORDS_AT_ONCE = 4
"""Words that are looked up together: the next ones are looked up only in chunks in which these meet."""
GRAMS_AT_ONCE = 2


class Candidates:
    """Rows of chunks that may contain all words. Where a chunk `is_exact`, they are the rows that do."""

    def __init__(self, chunks: Sequence[int], is_indexed: Sequence[bool], fetch: Fetch) -> None:
        """Begin with all rows of the chunks, which are given by their numbers, sorted."""
        self.is_exact: Any = numpy.array(is_indexed, bool)
        self._bits = row_sets.everything(len(chunks))
        self._is_indexed = self.is_exact.copy()
        self._chunks = numpy.array(chunks, numpy.int64)
        self._fetch = fetch

    def keep_with(self, words: Sequence[str]) -> None:
        """Keep the rows that may contain all of these words, which are at most a few dozen, the longest first."""
        for start in range(0, len(words), WORDS_AT_ONCE):
            rest = self._keep_with_keys(words[start : start + WORDS_AT_ONCE])
            for word, is_missing in rest:
                self._keep_with_grams(word, is_missing)

    def keep_set(self, key: bytes) -> None:
        """Keep the rows in the chunks' sets of that key, of all chunks."""
        (bits,) = self._sets(self._is_left(), [key])
        self._bits &= bits

    def remove(self, row_ids: Sequence[int]) -> None:
        """Remove these rows."""
        ids = numpy.array(row_ids, numpy.int64)
        chunks = ids // row_sets.CHUNK
        places = numpy.searchsorted(self._chunks, chunks)
        is_here = places < len(self._chunks)
        is_here[is_here] = self._chunks[places[is_here]] == chunks[is_here]
        row_sets.remove(self._bits, places[is_here], ids[is_here] % row_sets.CHUNK)

    def sizes(self) -> list[int]:
        """Return the number of candidates of each chunk."""
        sizes: list[int] = row_sets.sizes(self._bits).tolist()
        return sizes

    def row_ids(self, place: int) -> list[int]:
        """Return the ids of the candidates of the chunk at that place among the chunks, sorted."""
        first = int(self._chunks[place]) * row_sets.CHUNK
        return [first + offset for offset in row_sets.offsets(self._bits[place])]

    def _keep_with_keys(self, words: Sequence[str]) -> list[tuple[str, Any]]:
        """Keep the rows with words that are keys. Return the other words with the chunks in which they are not."""
        looked_up = self._is_left() & self._is_indexed
        rest = []
        for word, bits in zip(words, self._sets(looked_up, [word.encode() for word in words]), strict=True):
            is_key = looked_up & (bits.any(axis=1) if len(word) > GRAM else True)
            self._bits[is_key] &= bits[is_key]
            if (looked_up & ~is_key).any():
                rest.append((word, looked_up & ~is_key))
        return rest

    def _keep_with_grams(self, word: str, is_missing: Any) -> None:
        """Keep the rows with all parts of a word, in chunks of which it is not a key."""
        keys = [gram.encode() for gram in grams_for(word)]
        self.is_exact &= ~is_missing
        for start in range(0, len(keys), GRAMS_AT_ONCE):
            looked_up = is_missing & self._is_left()
            for bits in self._sets(looked_up, keys[start : start + GRAMS_AT_ONCE]):
                self._bits[looked_up] &= bits[looked_up]

    def _is_left(self) -> Any:
        return self._bits.any(axis=1)

    def _sets(self, wanted: Any, keys: Sequence[bytes]) -> list[row_sets.Bits]:
        """Return the sets of each key, of all chunks; those of chunks that are not wanted are empty."""
        numbers = self._chunks[wanted].tolist()
        places = dict(zip(numbers, numpy.flatnonzero(wanted).tolist(), strict=True))
        found: dict[bytes, list[tuple[int, bytes]]] = {key: [] for key in keys}
        for number, key, rows in self._fetch(numbers, list(found)) if numbers else ():
            found[key].append((places[number], rows))
        return [row_sets.loaded(found[key], len(self._chunks)) for key in keys]
