"""The pages of all request parameters, in both languages: they are what the API's schema makes."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT

DOCS = ROOT / "docs"
FILES = {"en": "parameters.md", "zh": "parameters_zh.md"}


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """Return docs/write_parameters.py."""
    spec = importlib.util.spec_from_file_location("write_parameters", DOCS / "write_parameters.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", FILES)
def test_the_page_is_what_the_schema_makes(language: str, writer: ModuleType, client: Client) -> None:
    page = writer.page(client.get("/v1/openapi.json").json(), language)
    assert page == (DOCS / FILES[language]).read_text("utf-8"), "run docs/write_parameters.py while the demo runs"


def test_the_dashboard_has_the_same_chinese(writer: ModuleType) -> None:
    assert writer.descriptions() == writer.DESCRIPTIONS.read_text("utf-8"), "run docs/write_parameters.py"


def test_a_field_or_a_text_that_is_missing_is_named(writer: ModuleType, client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()
    properties = schema["components"]["schemas"]["CommonRequest"]["properties"]
    properties["prompt"]["description"] = "Another text."
    with pytest.raises(KeyError, match="Another text"):
        writer.page(schema, "zh")
    properties["added"] = {"type": "boolean", "description": "A field."}
    with pytest.raises(KeyError, match="added"):
        writer.page(schema, "en")
