"""Names of files as people type them."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_LENGTH = 100
"""Characters of a `save_name`."""
FILE_NAME = r"^(|[^\W_][\w .()+-]*)$"
MAX_DECOMPOSED_LENGTH = 4 * MAX_NAME_LENGTH
"""Characters of the longest name that could be short enough once its accents are joined with its letters."""


def composed(name: str) -> str:
    """Return a name with its accents joined with its letters, as keyboards write them; macOS writes them apart."""
    return unicodedata.normalize("NFC", name) if len(name) <= MAX_DECOMPOSED_LENGTH else name


def is_file_name(name: str) -> bool:
    """Return whether a name fits `FILE_NAME`, also with vowel signs and accents after its letters, as in Hindi and Thai."""
    followed = "".join(char for char in name[1:] if not unicodedata.category(char).startswith("M"))
    return re.search(FILE_NAME, name[:1] + followed) is not None
