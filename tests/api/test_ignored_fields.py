"""Unknown fields: reported with their path in a header and in the record, with this API's name for those of other APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.api.requests.fields.aliases import ENHANCEMENTS, IMAGE_PROMPTS, LORAS, TOP, our_name
from fooocus_api.api.schemas.generate import CommonRequest
from fooocus_api.api.schemas.items import EnhanceControl, ImagePrompt, Lora
from fooocus_api.tests.generation.test_features import data
from fooocus_api.tests.support.client import QUICK, Client, events
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

GENERATE = "/v1/engine/generate"
LORA = "demo_warm_light.safetensors"


def ignored(client: Client, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Return the header and the record's entries, which are the same at once and later."""
    response = client.generate(**fields)
    assert response.status_code == 200, response.text
    record = response.json()
    assert client.task(record["task_id"])["ignored_fields"] == record["ignored_fields"]
    return response.headers["X-Ignored-Fields"], record["ignored_fields"]


NESTED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"controlnet_image": [{"cn_image": data(), "cn_type": "PyraCanny"}]}, "controlnet_image[0].cn_image", "cn_img"),
    ({"loras": [{"model_name": LORA, "strength": 0.9}]}, "loras[0].strength", "weight"),
    ({"loras": [{}, {"model_name": LORA, "wieght": 0.9}]}, "loras[1].wieght", "weight"),
    ({"loras": [{"name": LORA}]}, "loras[0].name", "model_name"),
    ({"controlnet_image": [{"cn_img": data(), "weigth": 1}]}, "controlnet_image[0].weigth", "cn_weight"),
    ({"enhance_ctrls": [{"mask_model": "u2net"}]}, "enhance_ctrls[0].mask_model", "enhance_mask_model"),
    ({"enhance_ctrls": [{"enhance_promt": "x"}]}, "enhance_ctrls[0].enhance_promt", "enhance_prompt"),
    ({"enhance_ctrls": [{}, {"zzz": {"a": [1]}}]}, "enhance_ctrls[1].zzz", None),
]


@pytest.mark.parametrize(("fields", "path", "use"), NESTED)
def test_a_misspelt_name_in_a_list_is_named_with_its_path(
    client: Client, fields: dict[str, Any], path: str, use: str | None
) -> None:
    assert ignored(client, **fields) == (path, [{"path": path, "use": use}])


@pytest.mark.parametrize("body", [{"input": {"prompt": "a cat"}}, {"promt": "a cat", "stepz": 3}])
def test_a_request_without_a_known_field_is_refused(client: Client, body: dict[str, Any]) -> None:
    before = client.get("/v1/queue").json()["waiting_total"]
    response = client.post(GENERATE, json=body)
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == min(body) and error["code"] == "unknown_field" and "prompt" in error["message"]
    assert client.get("/v1/queue").json()["waiting_total"] == before
    assert client.post(GENERATE, json={}).status_code == 200, "all defaults"


def test_what_nobody_knows_is_no_part_of_the_request(client: Client) -> None:
    record = client.draw(loras=[{"model_name": LORA, "strength": 0.9}], seed=5)
    (lora,) = record["req_params"]["loras"]
    assert lora == {"enabled": True, "model_name": LORA, "weight": 0.5}
    assert "seed" not in record["req_params"]


OTHERS = {
    "seed": "image_seed",
    "steps": "overwrite_step",
    "cfg_scale": "guidance_scale",
    "width": "overwrite_width",
    "height": "overwrite_height",
    "init_images": "uov_input_image",
    "n": "image_number",
    "batch_size": "image_number",
    "model": "base_model_name",
    "sampler": "sampler_name",
    "size": "aspect_ratios_selection",
    "styles": "style_selections",
    "denoising_strength": "overwrite_vary_strength",
    "image_prompts": "controlnet_image",
    "save_extension": "output_format",
    "mask": "inpaint_mask_image_upload",
    "promt": "prompt",
    "NegativePrompt": "negative_prompt",
    "image-number": "image_number",
    "guidence_scale": "guidance_scale",
    "note": None,
    "user": None,
}


def test_what_other_apis_call_so_is_told_by_our_name(client: Client) -> None:
    header, told = ignored(client, **dict.fromkeys(OTHERS, 1))
    assert {one["path"]: one["use"] for one in told} == OTHERS
    assert header.split(", ") == sorted(OTHERS) == [one["path"] for one in told]


def test_our_names_are_fields_and_the_others_are_not() -> None:
    for place, table, model in (
        ("", TOP, CommonRequest),
        ("loras", LORAS, Lora),
        ("controlnet_image", IMAGE_PROMPTS, ImagePrompt),
        ("enhance_ctrls", ENHANCEMENTS, EnhanceControl),
    ):
        fields = set(model.model_fields)
        names = [name for others in table.values() for name in others.split()]
        assert set(table) <= fields and len(names) == len(set(names)) and not set(names) & fields
        for ours, others in table.items():
            assert {our_name(name, place, fields) for name in others.split()} == {ours}


def test_every_way_to_answer_tells_it(client: Client) -> None:
    told = [
        {"path": "loras[0].strength", "use": "weight"},
    ]
    body = {**QUICK, "loras": [{"model_name": LORA, "strength": 1}]}
    image = client.post(GENERATE, json=body, headers={"Accept": "image/png"})
    assert client.task(image.headers["X-Task-Id"])["ignored_fields"] == told
    with client.post(GENERATE, json={**body, "stream_output": True}, stream=True) as stream:
        last = list(events(stream))[-1].data
    pending = client.post(GENERATE, json={**body, "async_process": True})
    accepted = client.post(GENERATE, json=body, headers={"Prefer": "respond-async"})
    assert last["ignored_fields"] == pending.json()["ignored_fields"] == accepted.json()["ignored_fields"] == told
    for response in (image, stream, pending, accepted):
        assert response.headers["X-Ignored-Fields"] == "loras[0].strength"
    for response in (pending, accepted):
        client.ended(response.json()["task_id"])
    listed = {record["task_id"]: record for record in client.tasks(query="history")["history"]}
    assert listed[pending.json()["task_id"]]["ignored_fields"] == told


def test_a_request_that_is_repeated_is_told_the_same(client: Client) -> None:
    body, headers = {**QUICK, "steps": 3}, {"Idempotency-Key": "ignored fields"}
    first, again = (client.post(GENERATE, json=body, headers=headers) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json() and first.json()["ignored_fields"] == [
        {"path": "steps", "use": "overwrite_step"}
    ]
    assert first.headers["X-Ignored-Fields"] == again.headers["X-Ignored-Fields"] == "steps"


def test_a_refused_request_is_told_too(client: Client) -> None:
    response = client.generate(scheduler_name="kerras", stepz=1)
    assert response.status_code == 422 and response.headers["X-Ignored-Fields"] == "stepz"


def test_a_receiver_and_a_later_start_are_told_it(demo_factory: DemoFactory) -> None:
    with Receiver() as receiver:
        host = demo_factory("--allow-private-urls", "127.0.0.0/8")
        client = Client(host.url)
        record = client.draw(cfg_scale=3, webhook_url=receiver.url)
        told = [{"path": "cfg_scale", "use": "guidance_scale"}]
        assert record["ignored_fields"] == receiver.next().record["ignored_fields"] == told
        host.kill()
        host.start()
        assert client.task(record["task_id"])["ignored_fields"] == told


def test_a_hundred_thousand_names_cost_no_more_than_fifty(client: Client) -> None:
    many = {f"{'name' * 30}{number}": number for number in range(30_000)}
    response = client.post(GENERATE, json={**QUICK, **many, "loras": [{f"x{number}": 1 for number in range(30_000)}]})
    assert response.status_code == 200, response.text
    told = response.json()["ignored_fields"]
    assert len(told) == 50 and max(len(one["path"]) for one in told) <= 60
    assert len(response.headers["X-Ignored-Fields"].split(", ")) <= 50


def test_names_of_any_signs_cost_no_answer(client: Client) -> None:
    header, told = ignored(client, **{"a,b": 1, " c ": 1}, loras=[{"d\r\nX-Evil: 1": 1, "": 1}])
    assert header == "?c?, a?b, loras[0]., loras[0].d??X-Evil:?1"
    assert [one["path"] for one in told] == [" c ", "a,b", "loras[0].", "loras[0].d\r\nX-Evil: 1"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"invert_mask_checkbox": True}, ["invert_mask_checkbox"]),
        ({"invert_mask_checkbox": "true"}, ["invert_mask_checkbox"]),
        ({"inpaint_advanced_masking_checkbox": 1}, ["inpaint_advanced_masking_checkbox"]),
        ({"current_tab": "inpaint"}, ["current_tab"]),
        ({"current_tab": ["uov"]}, ["current_tab"]),
        ({"current_tab": "uov", "invert_mask_checkbox": "False", "input_image_checkbox": False}, []),
        ({"input_image_checkbox": "true", "inpaint_mask_upload_checkbox": True, "current_tab": None}, []),
        ({"current_tab": "ip", "controlnet_image": [{"cn_img": data()}]}, []),
    ],
)
def test_what_has_no_effect_is_named_where_it_asks_for_one(
    client: Client, fields: dict[str, Any], named: list[str]
) -> None:
    response = client.generate(**fields)
    assert response.status_code == 200, response.text
    assert [one["path"] for one in response.json().get("ignored_fields", [])] == named
    assert response.headers.get("X-Ignored-Fields", "") == ", ".join(named)
    assert response.json()["req_params"].keys() & fields.keys() <= {"controlnet_image"}


def test_the_schema_lists_what_has_no_effect_as_deprecated(client: Client) -> None:
    properties = client.get("/v1/openapi.json").json()["components"]["schemas"]["CommonRequest"]["properties"]
    deprecated = {name: field["default"] for name, field in properties.items() if field.get("deprecated")}
    assert deprecated == {
        "current_tab": "uov",
        "input_image_checkbox": False,
        "invert_mask_checkbox": False,
        "inpaint_advanced_masking_checkbox": False,
        "inpaint_mask_upload_checkbox": False,
    }
    assert all("gnored" in properties[name]["description"] for name in deprecated)


def test_the_tools_name_what_they_do_not_know(client: Client) -> None:
    image = data()
    mask = client.post("/v1/tools/generate_mask", json={"image": image, "maskmodel": "u2net", "_": 1})
    described = client.post("/v1/tools/describe-image", json={"image": image, "kind": "Photo"})
    form = client.post("/v1/tools/describe-image", files={"image": b"x", "type": (None, "Photo")})
    assert mask.status_code == described.status_code == 200 and form.status_code == 422
    assert mask.headers["X-Ignored-Fields"] == "maskmodel"
    assert described.headers["X-Ignored-Fields"] == "kind" and form.headers["X-Ignored-Fields"] == "type"
