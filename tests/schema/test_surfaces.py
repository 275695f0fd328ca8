"""schemathesis over the compatible APIs, all in one document: a few cases in each run, and many nightly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fooocus_api.asgi.surfaces.surface import Surface
from fooocus_api.tests.support.client import Client

from .search import hosts, key_holder, run_of, schema_host

CONFIG = "surfaces.toml"
COMPONENTS = "#/components/schemas/"


def document(client: Client) -> bytes:
    """Return the documents of all compatible APIs as one. The names of their components begin with that of their API."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for surface in Surface:
        text = client.get(f"/v1/openapi/{surface.value}.json").text
        one = json.loads(text.replace(COMPONENTS, f"{COMPONENTS}{surface.value}-"))
        whole = whole or one
        paths.update(one["paths"])
        for name, schema in one.get("components", {}).get("schemas", {}).items():
            schemas[f"{surface.value}-{name}"] = schema
    components = {**whole.get("components", {}), "schemas": schemas}
    return json.dumps({**whole, "paths": paths, "components": components}).encode()


def test_answers_are_as_documented() -> None:
    with schema_host() as host:
        caller = key_holder(host)
        run = run_of(caller, ["fuzzing"], 1, 1, repeatable=True, document=document(caller.admin), config=CONFIG)
        assert "Traceback" not in host.log(), host.log()
    assert run.cases >= 50, run


@pytest.mark.nightly
def test_every_answer_is_as_documented() -> None:
    with hosts() as callers:
        for caller in callers:
            phases = [phase for phase in caller.phases if phase != "stateful"]  # no answer has an id that leads on
            examples = 5 if caller.refused else 10
            run = run_of(caller, phases, 2, examples, repeatable=True, document=document(caller.admin), config=CONFIG)
            print(run)
            assert run.cases >= 50, run
