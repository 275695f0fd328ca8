"""The paths that are ours on a port shared with the WebUI. Light to import: it is needed before Fooocus's own imports."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import zip_longest

PATHS = frozenset({"docs", "healthz", "inputs", "metrics", "outputs", "readyz", "tasks", "v1"})
"""First parts of our paths."""
MISSPELT = ("engine", "engines", "generate", "inputs", "outputs", "tasks", "tools")
"""First parts that are meant for us, in whatever spelling: the WebUI has nothing like them."""
ALIKE = 0.75
FAR = 0.6
"""Likeness from which on a whole path is named in place of another."""
MOST_PARTS = 6
LONGEST = 40
"""Characters of a part of a path that are compared."""
_VERSION = re.compile(r"v\d+(\.\d+)?", re.ASCII)


def is_misspelt(first: str) -> bool:
    """Return True when the first part of a path is likely a misspelt one of the API. It must not be one that the WebUI has."""
    part = first[:LONGEST].lower()
    if _VERSION.fullmatch(part) or part.startswith(("tasks", "outputs", "inputs")):
        return True
    return bool(difflib.get_close_matches(part, MISSPELT, n=1, cutoff=ALIKE))


def nearest_path(path: str, templates: Iterable[str]) -> str | None:
    """Return the path that is most like this one, such as `/tasks/{task_id}`; None when none is like it."""
    given = [part[:LONGEST] for part in path.strip("/").split("/")[:MOST_PARTS]]
    likeness: dict[str, float] = {}
    for template in templates:
        parts = template.strip("/").split("/")
        same_length = len(parts) == len(given)
        filled = [
            own if same_length and part.startswith("{") else part
            for part, own in zip_longest(parts, given[: len(parts)], fillvalue="")
        ]
        matcher = difflib.SequenceMatcher(None, "/".join(filled).lower(), "/".join(given).lower(), autojunk=False)
        likeness[template] = matcher.ratio()
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best.rstrip("/") if best is not None and likeness[best] >= FAR else None
