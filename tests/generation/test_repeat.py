"""Repetition of tasks: the same pixels from an engine whose encodings depend on the tasks before, or the reason why not."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.images.test_inputs import picture, upload
from fooocus_api.tests.support.client import Client, Record, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host

CHOSEN: dict[str, Any] = {
    "prompt": "a __colour__ [[boat,house,cat]], <lora:demo_dreamy_haze:0.5>\nby the __water__",
    "negative_prompt": "__colour__ sky",
    "style_selections": ["Fooocus V2", "Random Style", "Fooocus Sharp"],
    "image_number": 3,
}
COLOURS = ["red", "green", "blue", "yellow", "white", "black"]
ORDERED = {"prompt": "a __colour__ boat", "read_wildcards_in_order": True, "image_number": 3}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = tmp_path_factory.mktemp("repeat") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    (checkout / "wildcards").mkdir(exist_ok=True)
    (checkout / "wildcards" / "colour.txt").write_text("\n".join(COLOURS), "utf-8")
    (checkout / "wildcards" / "water.txt").write_text("sea\nlake\nriver\n", "utf-8")
    with demo_host("--demo-vae-noise", checkout=checkout) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def images_of(client: Client) -> dict[str, dict[str, Any]]:
    """Return the fields of each goal with an input image."""
    scene = PILImage.new("RGB", (256, 192), (9, 99, 199))
    scene.paste((199, 99, 9), (90, 60, 160, 140))
    buffer = io.BytesIO()
    scene.save(buffer, "PNG")
    image = upload(client, buffer.getvalue()).json()["url"]
    mask = upload(client, picture(size=(256, 192), colour=(255, 255, 255))).json()["url"]
    control = {"enhance_enabled": True, "enhance_mask_model": "u2net", "enhance_prompt": "a __colour__ face"}
    return {
        "vary": {"uov_input_image": image, "uov_method": "Vary (Strong)", "image_number": 2},
        "upscale": {"uov_input_image": image, "uov_method": "Upscale (1.5x)"},
        "upscale fast": {"uov_input_image": image, "uov_method": "Upscale (Fast 2x)"},
        "inpaint": {
            "inpaint_input_image": image,
            "inpaint_mask_image_upload": mask,
            "inpaint_additional_prompt": "a __colour__ door",
            "image_number": 2,
        },
        "outpaint": {"inpaint_input_image": image, "outpaint_selections": ["Left"]},
        "enhance": {"enhance_input_image": image, "enhance_ctrls": [control]},
        "enhance generated": {"enhance_checkbox": True, "enhance_uov_method": "Vary (Subtle)", "image_number": 2},
        "image prompt": {"controlnet_image": [{"cn_img": image}], "image_number": 2},
    }


@pytest.fixture(scope="module")
def originals(host: Host, client: Client) -> dict[str, Record]:
    """Return the record of each case. Afterwards other tasks have run, and the host was restarted."""
    cases = {"text": CHOSEN, "one seed": {**CHOSEN, "disable_seed_increment": True}, "ordered": ORDERED}
    cases |= images_of(client)
    records = {name: client.draw(**{"prompt": "a boat", **fields}) for name, fields in cases.items()}
    host.stop()
    host.start()
    client.draw(**{**cases["vary"], "prompt": "another"})
    return records


def pixels(client: Client, record: Record) -> list[bytes]:
    return [client.image(url).convert("RGB").tobytes() for url in record["result"]]


def repeated(client: Client, record: Record, image: int | None = None, **changes: Any) -> Record:
    params = {} if image is None else {"image": image}
    response = client.post(f"/tasks/{record['task_id']}/repeat", params=params, json=changes or None)
    assert response.status_code == 200, response.text
    again: Record = response.json()
    assert again["repeats"]["task_id"] == record["task_id"] and again["repeats"]["image"] == image
    return again


def codes(entry: dict[str, Any]) -> list[str]:
    return [difference["code"] for difference in entry.get("differences", ())]


CASES = ("text", "one seed", "ordered", "vary", "upscale", "upscale fast", "inpaint", "outpaint", "enhance")


@pytest.mark.parametrize("case", [*CASES, "enhance generated", "image prompt"])
def test_a_repetition_has_the_same_pixels(client: Client, originals: dict[str, Record], case: str) -> None:
    record = client.task(originals[case]["task_id"])
    assert [(image["exact"], codes(image)) for image in record["images"]] == [(True, [])] * len(record["images"])
    again = repeated(client, record)
    assert again["repeats"] == {"task_id": record["task_id"], "image": None, "exact": True, "differences": []}
    assert pixels(client, again) == pixels(client, record)


@pytest.mark.parametrize("case", ["text", "one seed", "ordered", "vary", "inpaint", "image prompt"])
def test_each_image_has_a_body_that_repeats_it(client: Client, originals: dict[str, Record], case: str) -> None:
    record = client.task(originals[case]["task_id"])
    for image, expected in zip(record["images"], pixels(client, record), strict=True):
        answer = client.post("/v1/engine/generate", json=image["repeat"])
        assert answer.status_code == 200, answer.text
        assert pixels(client, answer.json()) == [expected]
        assert answer.json()["images"][0]["metadata"]["prompt"] == image["metadata"]["prompt"]


def test_without_the_random_state_the_pixels_differ(client: Client, originals: dict[str, Record]) -> None:
    record = client.task(originals["vary"]["task_id"])
    body = {**record["images"][0]["repeat"], "repeat_of": ""}
    assert pixels(client, client.post("/v1/engine/generate", json=body).json()) != pixels(client, record)[:1]


def test_images_of_an_enhanced_task_are_repeated_together(client: Client, originals: dict[str, Record]) -> None:
    record = client.task(originals["enhance generated"]["task_id"])
    again = repeated(client, record, image=3)
    assert len(again["images"]) == len(record["images"]) == 4
    assert pixels(client, again) == pixels(client, record)


def test_a_repetition_can_be_repeated_without_its_original(client: Client) -> None:
    original = client.draw(**images_of(client)["vary"], prompt="a cat")
    expected = pixels(client, original)
    again = repeated(client, original)
    assert client.request("DELETE", f"/tasks/{original['task_id']}").status_code == 204
    third = repeated(client, again)
    assert third["repeats"]["exact"] and pixels(client, third) == expected


def test_changes_replace_fields(client: Client, originals: dict[str, Record]) -> None:
    record = client.task(originals["text"]["task_id"])
    again = repeated(client, record, image=1, image_seed=7, image_number=2, save_name="changed")
    assert again["req_params"]["prompt"] == CHOSEN["prompt"], "the words of then are for the prompt of then"
    assert again["req_params"]["style_selections"] == CHOSEN["style_selections"]
    assert [image["seed"] for image in again["images"]] == [7, 8]
    assert not again["repeats"]["exact"] and codes(again["repeats"]) == ["changed"]
    assert repeated(client, record, image=1, save_name="same", require_base64=True)["repeats"]["exact"]
    unknown = client.post(f"/tasks/{record['task_id']}/repeat", json={"promt": "a"})
    assert unknown.headers["X-Ignored-Fields"] == "promt"
    wrong = client.post(f"/tasks/{record['task_id']}/repeat", json={"image_number": 0, "scheduler_name": "none"})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "image_number"


def test_the_answer_has_the_forms_of_generate(client: Client, originals: dict[str, Record]) -> None:
    path = f"/tasks/{originals['ordered']['task_id']}/repeat"
    pending = client.post(path, json={"async_process": True}).json()
    assert pending["task_status"] == "pending" and client.ended(pending["task_id"])["repeats"]["exact"]
    image = client.post(path, headers={"Accept": "image/png"}, params={"image": 2})
    assert image.headers["content-type"] == "image/png"
    first, second = (client.post(path, headers={"Idempotency-Key": "repeat once"}) for _ in "12")
    assert first.json()["task_id"] == second.json()["task_id"] and second.headers["Idempotency-Replayed"] == "true"
    other = client.post(path, headers={"Idempotency-Key": "repeat once"}, params={"image": 1})
    assert other.status_code == 422 and other.json()["errors"][0]["code"] == "conflict"


def test_only_the_single_record_has_repetitions(client: Client, originals: dict[str, Record]) -> None:
    lists = client.tasks(query="history")["history"]
    assert not any("repeat" in image or "exact" in image for record in lists for image in record["images"])
    assert not any("repeat" in image for image in originals["text"]["images"])


def test_what_can_not_be_repeated_is_refused(client: Client, originals: dict[str, Record]) -> None:
    path = f"/tasks/{originals['text']['task_id']}/repeat"
    beyond = client.post(path, params={"image": 3})
    assert beyond.status_code == 422 and beyond.json()["errors"][0] | {"message": ""} == {
        "field": "image",
        "code": "out_of_range",
        "message": "",
    }
    assert client.post(path, params={"image": -1}).status_code == 422
    assert client.post(f"/tasks/{'0' * 32}/repeat").status_code == 404
    running = client.submit(overwrite_step=200, prompt="long")["task_id"]
    assert client.post(f"/tasks/{running}/repeat").json()["code"] == "wrong_task_status"
    client.post(f"/tasks/{running}/stop")
    for task_id, code in (("0" * 32, "unknown_value"), (originals["text"]["task_id"], "no_effect")):
        refused = client.generate(repeat_of=task_id)
        assert refused.status_code == 422 and refused.json()["errors"][0]["code"] == code
        assert refused.json()["errors"][0]["field"] == "repeat_of"


def test_changed_wildcards_are_noticed(host: Host, client: Client) -> None:
    record = client.draw(prompt="a __colour__ boat", image_number=2)
    file = host.checkout / "wildcards" / "colour.txt"
    try:
        file.write_text("\n".join(f"dark {colour}" for colour in COLOURS), "utf-8")
        assert [image["exact"] for image in client.task(record["task_id"])["images"]] == [True, True]
        assert pixels(client, repeated(client, record, image=1)) == pixels(client, record)[1:]
        assert codes(repeated(client, record)["repeats"]) == ["prompt_changed"]
    finally:
        file.write_text("\n".join(COLOURS), "utf-8")


def test_a_changed_model_is_noticed_and_a_touched_one_is_not(host: Host, client: Client) -> None:
    file = host.checkout / "models" / "loras" / "own.safetensors"
    shutil.copyfile(file.with_name("demo_warm_light.safetensors"), file)
    record = client.draw(loras=[{"model_name": file.name, "weight": 1.0}])

    def image() -> dict[str, Any]:
        found: dict[str, Any] = client.task(record["task_id"])["images"][0]
        return found

    def hashes() -> int:
        with contextlib.closing(sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3")) as database:
            query = "SELECT count(*) FROM model_hash WHERE path LIKE '%own.safetensors'"
            return int(database.execute(query).fetchone()[0])

    assert image()["exact"]
    wait_for(hashes, "the hash of the LoRA")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    wait_for(lambda: image()["exact"], "the hash of the touched file")
    content = json.loads(file.read_text("utf-8"))
    tint = [value + 1 for value in content["tint"]]
    file.write_text(json.dumps({**content, "tint": tint}), "utf-8")
    assert not image()["exact"] and codes(image()) == ["model_changed"]
    file.unlink()
    assert codes(image()) == ["model_missing"]
    missing = client.post(f"/tasks/{record['task_id']}/repeat")
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["field"] == "loras" and file.name in missing.json()["detail"]


def test_a_missing_model_may_be_replaced(host: Host, client: Client) -> None:
    file = host.checkout / "models" / "checkpoints" / "own.safetensors"
    shutil.copyfile(file.with_name("demo_nightfall.safetensors"), file)
    record = client.draw(base_model_name=file.name)
    file.unlink()
    path = f"/tasks/{record['task_id']}/repeat"
    missing = client.post(path)
    assert missing.status_code == 422 and missing.json()["errors"][0]["field"] == "base_model_name"
    other = client.post(path, json={"base_model_name": "demo_nightfall.safetensors"})
    assert other.status_code == 200, other.text


def test_a_deleted_input_is_named(host: Host, client: Client) -> None:
    url = upload(client, picture(size=(200, 200), colour=(0, 99, 0))).json()["url"]
    record = client.draw(uov_input_image=url, uov_method="Vary (Subtle)")
    name = url.rpartition("/")[2]
    (host.outputs / ".fooocus_api" / "inputs" / name).unlink()
    assert codes(client.task(record["task_id"])["images"][0]) == ["input_missing"]
    path = f"/tasks/{record['task_id']}/repeat"
    gone = client.post(path)
    assert gone.status_code == 409 and gone.json()["code"] == "inputs_deleted"
    assert gone.json()["missing"] == [f"inputs/{name}"]
    other = upload(client, picture(size=(200, 200), colour=(0, 0, 99))).json()["url"]
    assert client.post(path, json={"uov_input_image": other}).status_code == 200


def test_a_task_from_before_the_records_is_not_exact(host: Host, client: Client) -> None:
    record = client.draw(prompt="an old one", image_seed=5)
    with contextlib.closing(sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3")) as database, database:
        database.execute("DELETE FROM task_repeat WHERE task_id = ?", (record["id"],))
    image = client.task(record["task_id"])["images"][0]
    assert not image["exact"] and codes(image) == ["no_record"]
    again = repeated(client, record)
    assert not again["repeats"]["exact"] and pixels(client, again) == pixels(client, record)


def test_another_host_is_named() -> None:
    with demo_host() as running:
        client = Client(running.url)
        record = client.draw(prompt="a boat")
        running.stop()
        running.flags = (*running.flags, "--attention-split")
        running.start()
        image = client.task(record["task_id"])["images"][0]
        assert codes(image) == ["host_changed"] and "attention_split=True" in image["differences"][0]["detail"]
