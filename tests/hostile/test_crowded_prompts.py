"""Prompts with thousands of arrays or wildcards, for which Fooocus takes quadratic time, are refused on each way in."""

from __future__ import annotations

from typing import Any

import pytest

from fooocus_api.api.repeats.prompts import has_choices
from fooocus_api.tests.support.api_calls.batches import row_errors, send_lines
from fooocus_api.tests.support.client import QUICK, Client

ARRAYS, WILDCARDS = "[[" * 9000, "__a__ " * 3000
MOST = "[[a,b]] " * 100


def enhancement(**fields: str) -> dict[str, Any]:
    return {"enhance_checkbox": True, "enhance_ctrls": [{"enhance_mask_dino_prompt": "face", **fields}]}


PROMPTS: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": ARRAYS},
    "negative_prompt": {"negative_prompt": ARRAYS},
    "inpaint_additional_prompt": {"inpaint_additional_prompt": ARRAYS},
    "enhance_ctrls[0].enhance_prompt": enhancement(enhance_prompt=ARRAYS),
    "enhance_ctrls[0].enhance_negative_prompt": enhancement(enhance_negative_prompt=WILDCARDS),
}


@pytest.mark.parametrize("field", PROMPTS)
def test_each_prompt_of_a_request_is_bounded(client: Client, field: str) -> None:
    response = client.post("/v1/engine/generate/", json={**QUICK, **PROMPTS[field]})
    assert response.status_code == 422, response.text
    assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [(field, "wrong_count")]


@pytest.mark.parametrize("text", [ARRAYS, WILDCARDS, MOST + "[["])
def test_each_way_in_is_bounded(client: Client, text: str) -> None:
    task = client.post("/v1/engine/generate/", json={**QUICK, "prompt": MOST}).json()
    for method, path, body in (
        ("POST", "/v1/engine/generate/", {"prompt": text}),
        ("POST", f"/tasks/{task['task_id']}/repeat", {"prompt": text}),
        ("POST", "/v1/tools/expand-prompt", {"prompt": text}),
        ("PUT", "/v1/engines/presets/crowded", {"prompt": text}),
    ):
        response = client.request(method, path, json=body)
        assert response.status_code == 422 and "at most 100" in response.text, (path, response.text)
    [error] = row_errors(send_lines(client, [{"prompt": text}]))
    assert error["code"] == "wrong_count"


def test_a_prompt_without_the_end_of_its_arrays_has_no_choice() -> None:
    for text, expected in ((ARRAYS * 20, False), ("]][[", False), ("[[]]", True), ("a __b__", True), ("__", False)):
        assert has_choices({"prompt": text}) is expected
