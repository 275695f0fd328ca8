"""Requests for repetitions that are refused: values of another type, names of files, and unknown parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client


@pytest.fixture(scope="module")
def path(client: Client) -> str:
    """Return the path of the repetitions of an ended task."""
    return f"/tasks/{client.draw(prompt='a boat')['task_id']}/repeat"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": 5}, "prompt"),
        ({"loras": "none"}, "loras"),
        ({"loras": [5]}, "loras[0]"),
        ({"loras": [{"enabled": True, "model_name": "a.safetensors"}]}, "loras[0].model_name"),
        ({"enhance_ctrls": [1]}, "enhance_ctrls[0]"),
        ({"style_selections": 5}, "style_selections"),
        ({"performance_selection": {}}, "performance_selection"),
    ],
)
def test_a_wrong_value_is_named(client: Client, path: str, changes: dict[str, Any], field: str) -> None:
    response = client.post(path, json=changes)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("field", ["base_model_name", "refiner_model_name", "vae_name", "loras"])
def test_a_name_is_looked_up_in_the_lists_and_not_on_the_disk(client: Client, path: str, field: str) -> None:
    for name in (__file__, f"{__file__}x", str(Path(__file__).parent)):
        value = [{"enabled": True, "model_name": name, "weight": 1.0}] if field == "loras" else name
        response = client.post(path, json={field: value})
        assert response.status_code == 422, response.text
        (error,) = response.json()["errors"]
        assert error["code"] == "unknown_value" and "does not exist any more" not in error["message"], error


def test_unknown_parameters_are_refused(client: Client, path: str) -> None:
    for query, field, code in (("img=1", "img", "unknown_field"), ("image=0&image=1", "image", "duplicate")):
        refused = client.post(f"{path}?{query}")
        assert refused.status_code == 422, refused.text
        assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [(field, code)]
