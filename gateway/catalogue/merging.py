"""Merges the catalogues of several nodes into that of the cluster: a task may use what one of them has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

EMPTY: dict[str, Any] = {
    "names": {},
    "control_types": {},
    "model_kinds": [],
    "models": [],
    "styles": {},
    "wildcards": {},
    "performances": {},
    "hashes": {},
    "presets": {},
    "preset_fields": [],
    "arguments": {"defaults": {}, "list_sizes": {}, "bounds": {}, "extra": {}},
    "info": {},
}


def merged(catalogues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the catalogue of all nodes. Of what several have, the first node's form counts.

    Lists are as long as the node with the fewest places takes, and an argument of its own is one only if all nodes have it.
    """
    known = [{**EMPTY, **one} for one in catalogues]
    if not known:
        return EMPTY
    kinds = _union(one["names"] for one in known)
    by_name = ("control_types", "styles", "wildcards", "performances", "presets")
    return {
        "names": {kind: _union(one["names"].get(kind, ()) for one in known) for kind in kinds},
        **{part: _first(one[part] for one in known) for part in by_name},
        "model_kinds": _union(one["model_kinds"] for one in known),
        "models": _models(known),
        "hashes": {
            kind: _first(one["hashes"].get(kind, {}) for one in known)
            for kind in _union(one["hashes"] for one in known)
        },
        "preset_fields": _union(one["preset_fields"] for one in known),
        "arguments": _arguments([{**EMPTY["arguments"], **one["arguments"]} for one in known]),
        "info": known[0]["info"],
    }


def _arguments(known: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [one["list_sizes"] for one in known]
    return {
        "defaults": known[0]["defaults"],
        "bounds": known[0]["bounds"],
        "list_sizes": {name: min(one.get(name, 0) for one in sizes) for name in sizes[0]},
        "extra": {
            name: one for name, one in known[0]["extra"].items() if all(name in other["extra"] for other in known)
        },
    }


def _models(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*_first({(file["kind"], file["name"]): file for file in one["models"]} for one in known).values()]


def _union(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _first(parts: Iterable[dict[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for part in parts:
        found = {**part, **found}
    return {name: found[name] for name in found}
