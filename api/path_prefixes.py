"""Paths of the API on the port shared with the WebUI. Imported before Fooocus's own modules, so its imports are light."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ..asgi.surfaces.surface import FIRST_SEGMENTS

PATHS = FIRST_SEGMENTS | {
    "dashboard",
    "docs",
    "guide",
    "healthz",
    "inputs",
    "metrics",
    "outputs",
    "readyz",
    "tasks",
    "v1",
}
"""First segments of the API's paths."""
MISSPELT = ("engine", "engines", "generate", "inputs", "outputs", "tasks", "tools")
"""First segments that belong to the API even if misspelt, as the WebUI has none similar."""
WITHOUT_VERSION = frozenset({"images", "models", "chat"})
"""First segments of OpenAI's paths for clients whose address lacks `/v1`."""
MIN_SIMILARITY = 0.75
MIN_PATH_SIMILARITY = 0.72
"""Minimum similarity for a path to be suggested in place of another."""
MAX_PARTS = 6
MAX_SEGMENT_LENGTH = 40
"""Characters of a segment that are compared."""
_VERSION = re.compile(r"v\d+(\.\d+)?", re.ASCII)


def is_misspelt(first: str) -> bool:
    """Return whether a path's first segment, one that the WebUI does not have, is probably a misspelt one of the API."""
    part = first[:MAX_SEGMENT_LENGTH].lower()
    if _VERSION.fullmatch(part) or part in WITHOUT_VERSION or part.startswith(("tasks", "outputs", "inputs")):
        return True
    return bool(difflib.get_close_matches(part, MISSPELT, n=1, cutoff=MIN_SIMILARITY))


def nearest_path(path: str, templates: Iterable[str]) -> str | None:
    """Return the most similar path template, such as `/tasks/{task_id}`, None if none is similar enough."""
    given = [part[:MAX_SEGMENT_LENGTH] for part in path.strip("/").split("/")[:MAX_PARTS]]
    likeness: dict[str, float] = {}
    for template in templates:
        parts, own = template.strip("/").split("/"), given
        if len(parts) == len(given):
            pairs = [pair for pair in zip(parts, given, strict=True) if not pair[0].startswith("{")]
            parts, own = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        matcher = difflib.SequenceMatcher(None, "/".join(parts).lower(), "/".join(own).lower(), autojunk=False)
        likeness[template] = matcher.ratio()
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best.rstrip("/") if best is not None and likeness[best] >= MIN_PATH_SIMILARITY else None
