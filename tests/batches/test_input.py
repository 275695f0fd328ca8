"""Invalid and hostile batches: each is refused by name, with row and column, and nothing is queued."""

from __future__ import annotations

import base64
import io
import json
import random
from typing import Any

import pytest
from PIL import Image

from fooocus_api.tests.images.test_inputs import picture, upload
from fooocus_api.tests.support.api_calls.batches import (
    CSV,
    LINES,
    accepted,
    batch,
    combine,
    ended,
    quick,
    results,
    row_errors,
    send_csv,
    send_lines,
)
from fooocus_api.tests.support.client import QUICK, Client, Record

LONG_TEXT = "x" * 70_000


def noise(side: int) -> bytes:
    """Return a square picture as PNG that can't be compressed."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(0).randbytes(side * side * 3)).save(buffer, "PNG")
    return buffer.getvalue()


def place_of(error: Record) -> tuple[int, int | None, str, str]:
    return error["row"], error.get("line"), error["field"], error["code"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"prompt": "a"}\n\n{"sharpness": 99}\n', [(2, 3, "sharpness", "out_of_range")]),
        (
            '{"prompt": 1}\n{"image_number": 99}\n',
            [(1, 1, "prompt", "wrong_type"), (2, 2, "image_number", "out_of_range")],
        ),
        ('{"promt": "a"}', [(1, 1, "promt", "unknown_field")]),
        (
            '{"prompt": "a"\n[1]\n"a"',
            [(1, 1, "row", "invalid_json"), (2, 2, "row", "wrong_type"), (3, 3, "row", "wrong_type")],
        ),
        ('{"prompt": "a", "prompt": "b"}', [(1, 1, "row", "invalid_json")]),
        ('{"custom_id": "../a", "prompt": "a"}', [(1, 1, "custom_id", "invalid_format")]),
        ('{"custom_id": 7, "prompt": "a"}', [(1, 1, "custom_id", "wrong_type")]),
        ('{"custom_id": "a"}\n{"custom_id": "a"}', [(2, 2, "custom_id", "duplicate")]),
        ('{"custom_id": "a", "body": {}, "model": "x"}', [(1, 1, "model", "unknown_field")]),
        ('{"body": [1]}', [(1, 1, "body", "wrong_type")]),
        ('{"webhook_url": "http://127.0.0.1/"}', [(1, 1, "webhook_url", "unsupported")]),
        ('{"scheduler_name": "kerras"}', [(1, 1, "scheduler_name", "unknown_value")]),
        (
            '{"uov_input_image": "inputs/none.png", "uov_method": "Vary (Subtle)"}',
            [(1, 1, "uov_input_image", "unreadable_image")],
        ),
        (f'{{"prompt": "{LONG_TEXT}"}}', [(1, 1, "row", "too_long")]),
        ("[" * 60_000, [(1, 1, "row", "invalid_json")]),
    ],
)
def test_invalid_lines_are_named(batch_client: Client, text: str, places: list[Any]) -> None:
    response = batch_client.post("/v1/batches", data=text.encode(), headers=LINES)
    assert [place_of(error) for error in row_errors(response)] == places


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", [(0, 1, "row", "required")]),
        ("promt\na\n", [(0, 1, "promt", "unknown_field")]),
        ("prompt,Prompt\na,b\n", [(0, 1, "prompt", "duplicate")]),
        ("prompt,image_seed\na,1.234E+18\n", [(1, 2, "image_seed", "invalid_format")]),
        ('prompt,sharpness\na,"1,5"\n', [(1, 2, "sharpness", "invalid_format")]),
        ("prompt,sharpness\na,x\nb,99\n", [(1, 2, "sharpness", "wrong_type"), (2, 3, "sharpness", "out_of_range")]),
        ("prompt\na,b\n", [(1, 2, "row", "wrong_count")]),
        ('prompt,loras\na,"[{]"\n', [(1, 2, "loras", "invalid_json")]),
        ("prompt,loras\na,b\n", [(1, 2, "loras", "invalid_json")]),
        ('prompt\n"a\n', [(1, 2, "row", "invalid_format")]),
        ('prompt,client_data\na,"{""a"": 1, ""a"": 2}"\n', [(1, 2, "client_data", "invalid_json")]),
        ('prompt,client_data\na,"{""a"": ""\\ud800""}"\n', [(1, 2, "client_data", "invalid_json")]),
        ("prompt,client_data\na,b\n", [(1, 2, "client_data", "invalid_json")]),
        ('prompt,tags\na,"[""x"", ""\\ud800""]"\n', [(1, 2, "tags", "invalid_json")]),
        (f'prompt\n"{"x" * 200_000}"\n', [(1, 2, "row", "too_long")]),
        ("," * 2**20, [(0, 1, "row", "too_long")]),
        (f'"a\n{"," * 2**20}', [(0, 1, "row", "too_long")]),
        ("sep=;\n" + ";" * 2**20, [(0, 2, "row", "too_long")]),
        ("prompt\na\n" + ('"\n"' + "," * 50_000) * 10, [(2, 3, "row", "too_long")]),
        (f"prompt,negative_prompt\n{'x' * 40_000},{'y' * 40_000}\n", [(1, 2, "row", "too_long")]),
        ("prompt\na\x00b\n", [(1, 2, "row", "invalid_format")]),
        (",".join(["prompt"] * 300) + "\n", [(0, 1, "row", "wrong_count")]),
        ("prompt\n猫在湖边\n".encode("gbk"), [(1, 2, "row", "invalid_format")]),
        ("prompt\n猫\n".encode("utf-16"), [(0, 1, "row", "invalid_format")]),
    ],
)
def test_invalid_csv_is_named(batch_client: Client, text: str | bytes, places: list[Any]) -> None:
    assert [place_of(error) for error in row_errors(send_csv(batch_client, text))] == places


@pytest.mark.parametrize(
    ("axes", "members", "field", "words"),
    [
        ([{"image_seed": {"from": 0, "to": 10**18}}], {}, "combine", "more than 1,000,000,000,000,000"),
        ([{"image_seed": list(range(101))}, {"clip_skip": list(range(100))}], {}, "combine", "101 × 100 is 10,100"),
        ([{"image_seed": [1, 2]}], {"repeat": 5001}, "combine", "2 × 5,001 is 10,002"),
        ([{"prompt": ["a", "b"], "image_seed": [1]}], {}, "combine[0]", "same length"),
        ([{"prompt": []}], {}, "combine[0].prompt", "at least one"),
        ([{}], {}, "combine[0]", "has no list"),
        ([{"promt": ["a"]}], {}, "combine[0].promt", "did you mean prompt"),
        ([{"prompt": "a"}], {}, "combine[0].prompt", "list of values"),
        ([{"overwrite_step": [1, 2]}], {}, "combine[0].overwrite_step", "too; keep one"),
        ([{"image_seed": {"from": 1, "to": 3, "step": 0}}], {}, "combine[0].image_seed", "never leads"),
        ([{"image_seed": {"from": "1", "to": 3}}], {}, "combine[0].image_seed", "must be numbers"),
        ([{"image_seed": {"from": 10**400, "to": 10**400 + 1, "step": 0.5}}], {}, "combine[0].image_seed", "between"),
        ([{"image_seed": {"from": 1, "to": 1e300, "step": 1e299}}], {}, "combine[0].image_seed", "between"),
        ([{f"field_{number}": [1] for number in range(5_000)}], {}, "combine[0].field_49", "unknown field"),
        ([{"prompt": ["a", LONG_TEXT]}], {}, "combine", "longer than 64 KiB"),
        ([{"prompt": ["a", "x" * 40_000]}, {"negative_prompt": ["y" * 40_000]}], {}, "combine", "longer than 64 KiB"),
        ([], {"request": {"prompt": LONG_TEXT}, "repeat": 10_000}, "request", "longer than 64 KiB"),
        ([], {"request": {f"field_{number}": 1 for number in range(500)}}, "request", "500 unknown fields"),
        ([{"prompt": ["a"]}] * 21, {}, "combine", "at most 20 items"),
        ([], {"request": {}}, "request", "give one of them"),
        ([], {"repeat": 0}, "repeat", "greater than or equal"),
        ([], {"combin": []}, "combin", "unknown"),
    ],
)
def test_invalid_combinations_are_named_before_they_are_made(
    batch_client: Client, axes: list[Record], members: Record, field: str, words: str
) -> None:
    response = combine(batch_client, *axes, **members)
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert field in [error["field"] for error in errors] and words in response.text, errors


def test_the_first_100_errors_are_named(batch_client: Client) -> None:
    response = send_lines(batch_client, quick(150, sharpness=99))
    assert len(row_errors(response)) == 100
    assert "at least 100 rows are invalid" in response.json()["detail"]
    response = send_lines(batch_client, quick(150, sharpness=99), skip_invalid="true")
    assert len(row_errors(response)) == 100 and response.json()["invalid_rows"] == 150


def test_a_file_of_blank_lines_is_refused(batch_client: Client) -> None:
    for headers, end in ((LINES, b"\n"), (CSV, b"\n"), (CSV, b"\r"), (CSV, b"\r\n")):
        response = batch_client.post("/v1/batches", data=end * 2**20, headers=headers)
        assert response.status_code == 413 and "lines" in response.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        (LINES, b'{"sharpness": 99}\n\n' * 10_001),
        (CSV, b"sharpness\n" + b"99\n\n" * 10_001),
        (CSV, b"sep=;\nsharpness;prompt\n" + b'99;"a\n"\n' * 10_001),
    ],
)
def test_more_than_10000_rows_are_refused_before_any_is_checked(
    batch_client: Client, headers: Record, data: bytes
) -> None:
    for query in ({}, {"skip_invalid": "true"}):
        response = batch_client.post("/v1/batches", data=data, headers=headers, params=query)
        assert response.status_code == 413 and "10,001 rows; at most 10,000" in response.json()["detail"]


def test_a_body_of_more_than_32_mib_is_refused(batch_client: Client) -> None:
    response = send_csv(batch_client, b"prompt\n" + b"x" * (33 * 2**20))
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", ""])
def test_another_media_type_is_refused(batch_client: Client, media_type: str) -> None:
    response = batch_client.post("/v1/batches", data=b"{}", headers={"Content-Type": media_type})
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"webhook_url": "ftp://x"}, "webhook_url"),
        ({"webhook_url": "http://10.0.0.1/"}, "webhook_url"),
        ({"skip_invald": "true"}, "skip_invald"),
        ({"encoding": "latin-9"}, "encoding"),
    ],
)
def test_invalid_parameters_are_named(batch_client: Client, query: Record, field: str) -> None:
    response = send_lines(batch_client, quick(1), **query)
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == field


def test_nothing_is_an_error(batch_client: Client) -> None:
    assert send_lines(batch_client, []).json()["errors"][0]["field"] == "body"
    assert send_csv(batch_client, "prompt\n").json()["errors"][0]["field"] == "body"


def test_invalid_rows_are_kept_as_failed_ones_on_request(batch_client: Client) -> None:
    rows = [*quick(1), {"prompt": "b", "sharpness": 99}]
    batch_id = accepted(send_lines(batch_client, rows, skip_invalid="true"))
    record = ended(batch_client, batch_id)
    assert (record["counts"]["succeeded"], record["counts"]["failed"]) == (1, 1)
    (failure,) = record["failures"]
    assert failure["row"] == 2 and "sharpness" in failure["error"]["message"] and failure["task_id"] is None
    assert batch_client.post(f"/v1/batches/{batch_id}/retry").json()["code"] == "wrong_batch_state"


def test_rows_share_an_image_of_the_server_and_one_from_outside(batch_client: Client) -> None:
    url = upload(batch_client, picture()).json()["url"]
    rows = quick(3, uov_input_image=url, uov_method="Vary (Subtle)")
    assert ended(batch_client, accepted(send_lines(batch_client, rows)))["counts"]["succeeded"] == 3


def test_an_image_in_a_request_is_shared_by_all_rows(batch_client: Client) -> None:
    image = base64.b64encode(noise(200)).decode()
    assert len(image) > 64 * 2**10
    mixed = {"uov_method": "Vary (Subtle)", "mixing_image_prompt_and_vary_upscale": True}
    request = {**QUICK, **mixed, "controlnet_image": [{"cn_img": image}]}
    batch_id = accepted(combine(batch_client, {"uov_input_image": [image, image]}, request=request, repeat=2))
    assert ended(batch_client, batch_id)["counts"]["succeeded"] == 4
    tasks = [batch_client.task(row["task_id"])["req_params"] for row in results(batch_client, batch_id)]
    (url,) = {task["uov_input_image"] for task in tasks}
    assert [task["controlnet_image"][0]["cn_img"] for task in tasks] == [url] * 4
    assert batch_client.image(url).size == (200, 200)


def test_an_unusable_image_in_a_request_is_named_once(batch_client: Client) -> None:
    request = {**QUICK, "uov_input_image": "A" * 100_000, "uov_method": "Vary (Subtle)"}
    response = combine(batch_client, {"image_seed": {"from": 1, "to": 10_000}}, request=request)
    (error,) = response.json()["errors"]
    assert (error["field"], error["code"]) == ("request.uov_input_image", "unreadable_image")


def test_numbers_beyond_all_are_refused(batch_client: Client) -> None:
    body = '{"combine": [{"image_seed": {"from": 1e999, "to": 1, "step": -1}}]}'
    response = batch_client.post("/v1/batches", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text


def test_tags_and_client_data_are_read_from_cells(batch_client: Client) -> None:
    text = (
        "prompt,tags,client_data,overwrite_width,overwrite_height,overwrite_step\n"
        'a,x|y z,"{""order"": [7]}",256,256,1\n'
        'b,"[""x|y""]",,256,256,1\n'
    )
    batch_id = accepted(send_csv(batch_client, text))
    ended(batch_client, batch_id)
    tasks = [batch_client.task(row["task_id"]) for row in results(batch_client, batch_id)]
    assert [(task["tags"], task["client_data"]) for task in tasks] == [(["x", "y z"], {"order": [7]}), (["x|y"], {})]


def test_names_in_the_archive_can_not_leave_its_folder(batch_client: Client) -> None:
    for custom_id in ("../../x", "a/b", "a\\b", "C:x", "", "x" * 65, "ä", "a\n"):
        response = send_lines(batch_client, [{"custom_id": custom_id, **QUICK}])
        assert place_of(row_errors(response)[0])[2:] == ("custom_id", "invalid_format"), custom_id
    batch_id = accepted(send_lines(batch_client, [{"custom_id": "..", **QUICK}, {"custom_id": "CON", **QUICK}]))
    ended(batch_client, batch_id)
    content = batch_client.get(f"/v1/batches/{batch_id}/archive.zip").content
    assert b"00001_.._1.png" in content and b"00002_CON_1.png" in content


def test_a_body_is_ignored_in_the_form_of_its_answer(batch_client: Client) -> None:
    rows = quick(1, async_process=True, stream_output=True, require_base64=True)
    batch_id = accepted(send_lines(batch_client, rows))
    assert ended(batch_client, batch_id)["counts"]["succeeded"] == 1
    assert json.dumps(batch(batch_client, batch_id)).count("base64") == 0


def test_a_short_body_can_not_become_a_large_batch(client: Client) -> None:
    """Two pairs of texts, repeated: 40 kB that would be 190 MiB in the database."""
    before = client.get("/v1/batches").json()["total"]
    texts = {"prompt": ["a", "x" * 20_000], "negative_prompt": ["b", "y" * 20_000]}
    refused = combine(client, texts, repeat=5000)
    assert refused.status_code == 413 and refused.json()["code"] == "payload_too_large", refused.text
    assert "64 MiB" in refused.json()["detail"]
    assert client.get("/v1/batches").json()["total"] == before
    same = accepted(combine(client, {"image_seed": {"from": 1, "to": 5000}}, request={**QUICK, "prompt": "x" * 20_000}))
    assert client.request("DELETE", f"/v1/batches/{same}").status_code == 204, "a text of all rows is stored once"
