"""Finds the known names most similar to an unknown one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import islice

from ...asgi.problem import shortened

MAX_NAME_LENGTH = 60
SINGULARS = {"loras": "LoRA", "vaes": "VAE"}
"""Catalog → the word for one of its names, where it is not the singular of the catalog's name."""


def nearest(name: str, known: Iterable[str], *, many: int = 1, cutoff: float = 0.5) -> list[str]:
    """Return up to `many` known names that are most similar to this one, best first."""
    wanted = plain(shortened(name, MAX_NAME_LENGTH))
    by_plain: dict[str, str] = {}
    for candidate in known:
        by_plain.setdefault(plain(candidate), candidate)
    contained = [one for one in by_plain if min(len(one), len(wanted)) > 2 and (one in wanted or wanted in one)]
    close = difflib.get_close_matches(wanted, by_plain, n=many, cutoff=cutoff)
    only = contained if len(contained) == 1 else []
    return [by_plain[one] for one in islice(dict.fromkeys([*close, *only]), many)]


def unknown(kind: str, name: str) -> str:
    """Return the message for a name that is not in a catalog, as in `unknown scheduler 'kerras'`."""
    singular = f"{kind.removesuffix('ies')}y" if kind.endswith("ies") else kind.removesuffix("s")
    return f"unknown {SINGULARS.get(kind, singular.replace('_', ' '))} {shortened(name)!r}"


def plain(name: str) -> str:
    """Return a name in lower case, with one underscore for each run of characters other than letters and digits."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
