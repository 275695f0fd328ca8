"""Writes what a node's Fooocus offers as a JSON object, from which a gateway serves the API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ...api.context import DetailedCatalog, Host, HostArguments, Presets
from ...api.schemas.generate import CommonRequest
from ...api.schemas.host_request import ITEMS
from ...tasks.model.json_values import json_value
from ...tasks.ports.host_arguments import Bounds, HostField
from ...tasks.ports.presets import PresetError
from .kinds import KIND_NAMES

MAX_WILDCARD_CHARACTERS = 200_000
"""Characters of all wildcards' texts together; the texts of further ones are left out."""
FILE_KINDS = ("model_files", "lora_files", "vae_files")


def catalogue_of(host: Host, kinds: Iterable[str]) -> dict[str, Any]:
    """Return the catalogue of a running host, its digest first. It reads folders, and may take long on a network drive.

    Args:
        kinds: the kinds of names that the host's catalog has, as `models` and `styles`.
    """
    content = {
        **_names(host.catalog, kinds),
        "presets": {name: _preset(host.presets, name) for name in host.catalog.names("presets")},
        "preset_fields": sorted(host.presets.fields()),
        "arguments": _arguments(host.arguments),
        "info": host.info(),
    }
    content = json_value(content)
    return {"digest": digest_of(content), **content}


def digest_of(content: dict[str, Any]) -> str:
    """Return a digest by which a catalogue is known to be another one."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _names(catalog: DetailedCatalog, kinds: Iterable[str]) -> dict[str, Any]:
    left = MAX_WILDCARD_CHARACTERS
    wildcards: dict[str, dict[str, Any]] = {}
    for one in catalog.wildcards():
        text = catalog.wildcard(one.name)
        left -= len(text)
        wildcards[one.name] = {"lines": one.lines, "text": text if left >= 0 else ""}
    return {
        "names": {kind: list(catalog.names(kind)) for kind in kinds},
        "control_types": {one.name: [one.stop, one.weight] for one in catalog.control_types()},
        "model_kinds": catalog.model_kinds(),
        "models": [asdict(one) for one in catalog.models(catalog.model_kinds())],
        "styles": {name: list(texts) for name, texts in catalog.style_texts().items()},
        "wildcards": wildcards,
        "performances": {one.name: [one.steps, one.lora] for one in catalog.performances()},
        "hashes": {kind: catalog.hashes(kind) for kind in FILE_KINDS},
    }


def _preset(presets: Presets, name: str) -> dict[str, Any]:
    try:
        return presets.values(name)
    except PresetError:
        return {}


def _arguments(arguments: HostArguments) -> dict[str, Any]:
    fields = list(CommonRequest.model_fields)
    places = [(name, None) for name in fields]
    places += [(name, key) for name, item in ITEMS.items() for key in item.model_fields]  # type: ignore[misc]
    bounds = {place_name(name, key): _bounds(arguments.bounds(name, key)) for name, key in places}
    return {
        "defaults": {name: value for name in fields if (value := arguments.default(name)) is not None},
        "list_sizes": arguments.list_sizes(),
        "bounds": {place: found for place, found in bounds.items() if found != [None, None]},
        "extra": {name: _field(one) for name, one in arguments.extra_fields(set(fields)).items()},
    }


def place_name(field: str, key: str | None) -> str:
    """Return the name of a field, or of a field of a list's items, in a catalogue."""
    return field if key is None else f"{field}/{key}"


def _bounds(bounds: Bounds) -> list[float | None]:
    return [bounds.minimum, bounds.maximum]


def _field(one: HostField) -> dict[str, Any]:
    return {
        "default": one.default,
        "kind": KIND_NAMES.get(one.kind, "str"),
        "label": one.label,
        "bounds": _bounds(one.bounds),
        "choices": None if one.choices is None else list(one.choices()),
        "suggestions": list(one.suggestions),
        "several": one.several,
    }
