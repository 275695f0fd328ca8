"""Texts of the schema: a description of every field, and the host's values in every list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.unit.test_english import AVOIDED_WORDS

Schema = dict[str, Any]
LISTED: dict[str, dict[str, str]] = {
    "CommonRequest": {
        "base_model_name": "demo_daylight.safetensors",
        "sampler_name": "euler",
        "uov_method": "Disabled",
    },
    "Lora": {"model_name": "demo_warm_light.safetensors"},
    "ImagePrompt": {"cn_type": "PyraCanny"},
    "EnhanceControl": {
        "enhance_mask_model": "sam",
        "enhance_mask_cloth_category": "full",
        "enhance_mask_sam_model": "vit_b",
        "enhance_inpaint_engine": "v2.6",
    },
    "MaskRequest": {"mask_model": "u2net", "cloth_category": "full", "sam_model": "vit_b"},
}


@pytest.fixture(scope="module")
def schema(client: Client) -> Schema:
    described: Schema = client.get("/v1/openapi.json").json()
    return described


def test_every_field_and_every_parameter_has_a_description(schema: Schema) -> None:
    for name, component in schema["components"]["schemas"].items():
        for field, described in component.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}: give its Field a description"
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                where = f"{method} {path}: {parameter['name']}"
                assert parameter.get("description"), f"{where}: give its Query, Path or Header a description"


def texts_in(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each summary and description."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in items:
        if name in ("summary", "description") and isinstance(value, str):
            yield path, value
        else:
            yield from texts_in(value, f"{path}/{name}")


def test_texts_use_the_fields_words(schema: Schema) -> None:
    texts = list(texts_in(schema))
    assert len(texts) > 300
    found = [(path, words[0]) for path, text in texts for words in AVOIDED_WORDS.finditer(text)]
    found += [(path, words[0]) for path, text in texts for words in re.finditer(r"\bdr[ae]wn?\b", text, re.IGNORECASE)]
    assert found == []


@pytest.mark.parametrize("model", LISTED)
def test_what_the_host_allows_is_listed(schema: Schema, model: str) -> None:
    properties = schema["components"]["schemas"][model]["properties"]
    for field, some in LISTED[model].items():
        assert some in properties[field]["enum"], field


def test_sides_are_those_that_can_be_drawn(schema: Schema) -> None:
    for side in ("overwrite_width", "overwrite_height"):
        field = schema["components"]["schemas"]["CommonRequest"]["properties"][side]
        assert field["anyOf"] == [{"maximum": 0}, {"minimum": 64}] and field["maximum"] == 2048
