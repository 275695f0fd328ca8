"""Keys of the index: the parts of a prompt that have a set of rows, and those that a search looks up.

A word of a search contains no white space, so each of its occurrences lies within one token, a part of the prompt between white
space. Every part of a token of up to three characters is a key. Longer ones are keys if they are words that several rows of a
chunk contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

GRAM = 3
"""Characters of the longest part that is always a key."""
MAX_WORD = 32
"""Characters of the longest key."""
MAX_GRAMS = 6
"""Keys looked up for a word that is not a key."""

_WORDS = re.compile(r"\w+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4,}")


def grams(token: str) -> set[str]:
    """Return the parts of a token of one, two and three characters."""
    found = set(token)
    found.update(map("".join, pairwise(token)))
    found.update(map("".join, zip(token, token[1:], token[2:], strict=False)))
    return found


def words_in(token: str) -> set[str]:
    """Return the parts of a token of more than three characters that people may search for: the token, its words, and in scripts
    without spaces each four characters."""
    found = {token, *_WORDS.findall(token)}
    for text in _IDEOGRAPHS.findall(token):
        found.update(text[start : start + 4] for start in range(len(text) - 3))
    return {word for word in found if GRAM < len(word) <= MAX_WORD}


def searched(words: Iterable[str]) -> list[str] | None:
    """Return the words to look up, the longest first, in the form in which prompts are stored. A word within another is implied.

    Returns None if the index can't answer: there is no word, or one that no prompt is stored with.
    """
    folded = sorted({word.casefold() for word in words}, key=len, reverse=True)
    if any(word.split() != [word] or "\x00" in word or not _is_text(word) for word in folded):
        return None
    kept: list[str] = []
    for word in folded:
        if not any(word in longer for longer in kept):
            kept.append(word)
    return kept or None


def grams_for(word: str) -> list[str]:
    """Return at most MAX_GRAMS parts of a word that rows with the word must contain, spread over the word."""
    last = len(word) - GRAM
    number = min(MAX_GRAMS, last + 1)
    starts = {round(last * part / max(number - 1, 1)) for part in range(number)}
    return list(dict.fromkeys(word[start : start + GRAM] for start in sorted(starts)))


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
