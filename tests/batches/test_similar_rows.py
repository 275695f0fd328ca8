"""Rows that are like earlier ones are checked as if each were the only one."""

from __future__ import annotations

import random
from typing import Any

from fooocus_api.tests.support.api_calls.batches import accepted, ended, results, row_errors, send_csv, send_lines
from fooocus_api.tests.support.client import QUICK, Client, Record

SEED = 20
BASES: list[Record] = [
    QUICK,
    {**QUICK, "style_selections": ["Fooocus Sharp"], "priority": -3},
    {**QUICK, "preset": "initial", "loras": [{"model_name": "demo_warm_light.safetensors", "weight": 0.3}]},
    {**QUICK, "preset": "nightfall"},
    {**QUICK, "performance_selection": "gone"},
    {**QUICK, "overwrite_width": 3},
]
VALUES: dict[str, list[Any]] = {
    "prompt": [
        *("a cat", "a [[red, blue]] cat", "", 5, None, "x" * 20_001, "[[" * 101, "__gone__ " * 101, "__animal__"),
        *("<lora:demo_warm_light:0.5> cat", "<lora:gone:0.5>", "<lora cat"),
    ],
    "negative_prompt": ["", "grey", "<lora:demo_warm_light:0.5>", "[[" * 101, []],
    "image_seed": [0, 7, -1, "8", -2, 2**63, 1.5, True, 2**63 - 1],
    "sharpness": [0, 2.0, "3", 31, -1, "many"],
    "guidance_scale": [4.0, 7, 0.5, float(10**9)],
    "clip_skip": [1, 2, 13, 1.0],
    "overwrite_step": [-1, 1, 201],
    "inpaint_strength": [0.5, 1.0, 2],
    "canny_low_threshold": [1, 64, 300],
    "tags": [[], ["a", "a"], ["x" * 65], "a", None, [" "]],
    "client_data": [{}, {"a": 1}, {"a": "x" * 5000}, [], None],
}


def random_rows(number: int) -> list[Record]:
    """Return rows that differ in a few fields; most are valid."""
    chance = random.Random(SEED)
    rows = []
    for _ in range(number):
        row = dict(chance.choice(BASES[: 4 if chance.random() < 0.8 else None]))
        for name in chance.sample(sorted(VALUES), chance.randrange(4)):
            row[name] = chance.choice(VALUES[name][: 2 if chance.random() < 0.7 else None])
        rows.append(row)
    return rows


def parameters_of(client: Client, result: Record) -> Any:
    """Return the errors of a row, or the parameters of its task and its ignored fields."""
    if result["task_id"] is None:
        return result["error"]
    task = client.task(result["task_id"])
    return task["req_params"], task.get("ignored_fields")


def test_random_rows_are_checked_as_if_each_were_alone(batch_client: Client) -> None:
    rows = random_rows(80)
    batch_id = accepted(send_lines(batch_client, rows, skip_invalid="true"))
    ended(batch_client, batch_id)
    together = [parameters_of(batch_client, result) for result in results(batch_client, batch_id)]
    valid = 0
    for row, found in zip(rows, together, strict=True):
        response = send_lines(batch_client, [row])
        if response.status_code == 422:
            errors = row_errors(response)
            assert found["message"] == "; ".join(f"{error['field']}: {error['message']}" for error in errors), row
        else:
            alone = accepted(response)
            ended(batch_client, alone)
            [result] = results(batch_client, alone)
            assert found == parameters_of(batch_client, result), row
            valid += 1
    assert 20 < valid < 75


def test_values_of_cells_are_converted_in_similar_rows(batch_client: Client) -> None:
    text = "prompt,image_seed,sharpness,overwrite_step,overwrite_width,overwrite_height\n"
    batch_id = accepted(send_csv(batch_client, text + "a,1,2.5,1,64,64\nb,2,3,1,64,64\nc,3,,1,64,64\n"))
    ended(batch_client, batch_id)
    sent = [batch_client.task(result["task_id"])["req_params"] for result in results(batch_client, batch_id)]
    assert [(one["prompt"], one["image_seed"], one["sharpness"]) for one in sent] == [
        ("a", 1, 2.5),
        ("b", 2, 3.0),
        ("c", 3, sent[2]["sharpness"]),
    ]
