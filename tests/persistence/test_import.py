"""The import command of docs/migration.md: histories of FooocusAPI and Fooocus-API, imported once, source files unchanged."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.tests.support.commands import run_command
from fooocus_api.tests.support.databases.old_histories import (
    FOOOCUS_API_TABLE,
    FOOOCUSAPI_TABLE,
    QUEUED,
    TIMES,
    Row,
    database,
    imported,
    picture,
    record,
    run_import,
    tasks,
)


def snapshot(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Return content and modification time of each file in the folder, except the extension's own."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".fooocus_api" not in path.parts)
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_task_of_fooocusapi_comes_with_its_times_parameters_and_images(tmp_path: Path, outputs: Path) -> None:
    path = database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1, webhook_url="http://example.org/hook")])
    before = snapshot(tmp_path)
    task = imported(path, outputs)["cat 1"]
    assert snapshot(tmp_path) == before
    assert (task["task_id"], task["source"], task["status"]) == (f"{1:032x}", "imported", "finished")
    assert (task["queued_at"], task["started_at"], task["finished_at"]) == (QUEUED + 1, QUEUED + 227, QUEUED + 21_848)
    assert (task["progress"], task["attempts"], task["error"]) == (100, 1, None)
    assert task["webhook_url"] == "http://example.org/hook"
    assert (task["model"], task["words"]) == ("demo_daylight.safetensors", "cat 1")
    assert task["parameters"]["imported"] == {"from": "FooocusAPI"}
    (image,) = task["images"]
    assert (image["path"], image["width"], image["height"], image["format"]) == ("2024-07-04/1.png", 64, 48, "png")


@pytest.mark.parametrize(
    ("old", "results", "status", "said"),
    [
        ("finished", True, "finished", None),
        ("finished", False, "failed", "imported without images"),
        ("stop", True, "stopped", None),
        ("stop", False, "stopped", None),
        ("skip", True, "finished", None),
        ("skip", False, "stopped", None),
        ("pending", False, "interrupted", "'pending'"),
        ("running", False, "interrupted", "'running'"),
        (None, None, "interrupted", "'pending'"),
    ],
)
def test_statuses_of_fooocusapi_are_told_honestly(
    outputs: Path, old: str | None, results: bool | None, status: str, said: str | None
) -> None:
    result = None if results is None else record(1)["result"] if results else []
    path = database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1, task_status=old, result=result)])
    task = imported(path, outputs)["cat 1"]
    assert task["status"] == status
    assert len(task["images"]) == bool(results)
    assert (task["error"] is None) is (said is None)
    assert said is None or said in task["error"]["message"]


def test_json_in_json_and_columns_without_values_are_understood(outputs: Path) -> None:
    parameters = json.dumps(json.dumps(record(1)["req_params"]))
    nothing = dict.fromkeys(["start_mills", "finish_mills", "progress", "webhook_url"])
    rows = [
        record(1, req_params=parameters, result=json.dumps(json.dumps(record(1)["result"]))),
        record(2, task_status=None, result="null", **nothing),
    ]
    found = imported(database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, rows), outputs)
    assert found["cat 1"]["images"][0]["path"] == "2024-07-04/1.png"
    assert (found["cat 2"]["status"], found["cat 2"]["started_at"], found["cat 2"]["attempts"]) == (
        "interrupted",
        -1,
        0,
    )


def test_a_result_whose_file_is_gone_is_named_and_not_listed(outputs: Path) -> None:
    base = "http://127.0.0.1:7866/outputs"
    (outputs / "2024-07-04" / "text.png").write_text("no image")
    picture(outputs / ".hidden" / "1.png")
    picture(outputs.parent / "outside.png")
    gone = [
        f"{base}/2024-07-04/gone.png",
        f"{base}/2024-07-04/text.png",
        f"{base}/.hidden/1.png",
        f"{base}/../outside.png",
        "",
    ]
    given = [f"{base}/2024-07-04/3.png", *gone, f"{base}/2024-07-04/3.png", "D:\\Fooocus\\outputs\\2024-07-04\\4.png"]
    path = database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1, result=given)])
    task = imported(path, outputs)["cat 1"]
    assert task["status"] == "finished"
    assert [image["path"] for image in task["images"]] == ["2024-07-04/3.png", "2024-07-04/4.png"]
    assert task["parameters"]["imported"]["missing_results"] == gone


def test_importing_again_adds_nothing_but_images_that_have_come(tmp_path: Path, outputs: Path) -> None:
    old = tmp_path / "old" / "outputs"
    picture(old / "2024-07-05" / "7.png")
    rows = [
        record(1),
        record(1, req_params={"prompt": "the same id"}),
        record(7, result=["http://127.0.0.1:7866/outputs/2024-07-05/7.png"]),
    ]
    path = database(old / "db.sqlite3", FOOOCUSAPI_TABLE, rows)
    first = run_import(path, "--output-path", outputs)
    assert "2 tasks imported, 1 already present" in first.stdout
    assert f"1 of those are in {old}; copy its folders there and import again" in first.stdout
    assert tasks(outputs)["cat 7"]["images"] == []

    (old / "2024-07-05").rename(outputs / "2024-07-05")
    second = run_command("import", path, "--output-path", outputs)
    assert second.returncode == 0, second.stderr
    assert "0 tasks imported, 2 already present, 1 completed with missing images" in second.stdout
    found = tasks(outputs)
    assert list(found) == ["cat 1", "cat 7"]
    assert [image["path"] for image in found["cat 7"]["images"]] == ["2024-07-05/7.png"]
    assert found["cat 7"]["parameters"]["imported"] == {"from": "FooocusAPI"}
    assert "0 tasks imported, 3 already present." in run_command("import", path, "--output-path", outputs).stdout


def test_input_images_are_kept_and_base64_is_not(tmp_path: Path, outputs: Path) -> None:
    content = picture(tmp_path / "inputs" / "old.png").read_bytes()
    url, lost = "http://127.0.0.1:7866/inputs/old.png", "http://127.0.0.1:7866/inputs/lost.png"
    parameters = {
        "prompt": "cat",
        "uov_input_image": url,
        "inpaint_input_image": lost,
        "enhance_input_image": "None",
        "inpaint_mask_image_upload": base64.b64encode(bytes(3000)).decode(),
        "controlnet_image": [{"cn_img": url, "cn_stop": 0.5}, {"cn_img": "", "cn_stop": 0.6}],
        "notes": ["data:image/png;base64,AAAA", "words " * 500],
    }
    path = database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1, req_params=parameters)])
    kept = imported(path, outputs)["cat"]["parameters"]
    reference = f"inputs/{hashlib.sha256(content).hexdigest()}.png"
    assert (outputs / ".fooocus_api" / reference).read_bytes() == content
    assert kept["uov_input_image"] == reference
    assert kept["controlnet_image"] == [{"cn_img": reference, "cn_stop": 0.5}, {"cn_img": None, "cn_stop": 0.6}]
    assert [kept[name] for name in ("inpaint_input_image", "enhance_input_image", "inpaint_mask_image_upload")] == [
        None
    ] * 3
    assert kept["notes"] == [None, "words " * 500]
    assert kept["imported"]["left_out"] == {
        "inpaint_input_image": lost,
        "inpaint_mask_image_upload": "base64, 4000 characters",
        "notes[0]": "base64, 26 characters",
    }
    repository = Repository(outputs / ".fooocus_api" / "tasks.sqlite3")
    assert repository.inputs_in_use([reference.removeprefix("inputs/")]), "the next sweep would take it"
    repository.close()


def test_a_history_of_fooocus_api_comes_along(tmp_path: Path, outputs: Path) -> None:
    base = "http://127.0.0.1:8888/files/2024-07-04"
    picture(outputs / "2024-07-04" / "one, two.png")
    task_id = "cac3914a-926d-4b6f-a46a-83794a0ce1d4"
    row: Row = {
        "task_id": task_id,
        "task_type": "Text to Image",
        "result_url": f"{base}/one, two.png,{base}/2.png,{base}/gone.png",
        "finish_reason": "SUCCESS",
        "date_time": QUEUED // 1000,
        "prompt": "cat",
        "base_model_name": "demo_daylight.safetensors",
        "loras": [[True, "a.safetensors", 0.5]],
        "image_prompts": [[0.5, 0.6, "ImagePrompt"]],
        "outpaint_distance_left": 0,
        "require_base64": 0,
        "task_in_queue_mills": QUEUED,
        "task_start_mills": QUEUED + 5,
        "task_finish_mills": QUEUED + 9,
    }
    failed = {"result_url": "", "task_start_mills": 0, "task_finish_mills": 0, "task_in_queue_mills": 0}
    rows = [
        row,
        {**row, **failed, "task_id": "by hand", "prompt": "cancelled", "finish_reason": "USER_CANCEL"},
        {**row, **failed, "task_id": "another", "prompt": "failed", "finish_reason": "ERROR"},
    ]
    path = database(tmp_path / "database.db", FOOOCUS_API_TABLE.format(TIMES), rows)
    found = imported(path, outputs)
    task = found["cat"]
    assert task["task_id"] == task_id.replace("-", "")
    assert (task["status"], task["model"]) == ("finished", "demo_daylight.safetensors")
    assert (task["queued_at"], task["started_at"], task["finished_at"]) == (QUEUED, QUEUED + 5, QUEUED + 9)
    assert [image["path"] for image in task["images"]] == ["2024-07-04/one, two.png", "2024-07-04/2.png"]
    assert task["parameters"]["imported"] == {
        "from": "Fooocus-API",
        "task_id": task_id,
        "missing_results": [f"{base}/gone.png"],
    }
    assert task["parameters"]["loras"] == [[True, "a.safetensors", 0.5]]
    assert task["parameters"]["image_prompts"] == [[0.5, 0.6, "ImagePrompt"]]
    assert task["parameters"]["require_base64"] is False
    assert found["cancelled"]["status"] == "stopped"
    assert found["cancelled"]["queued_at"] == found["cancelled"]["finished_at"] == QUEUED // 1000 * 1000
    assert found["failed"]["status"] == "failed" and "'ERROR'" in found["failed"]["error"]["message"]
    assert found["failed"]["parameters"]["imported"]["task_id"] == "another"
    assert "0 tasks imported, 3 already present." in run_command("import", path, "--output-path", outputs).stdout


def test_an_older_table_of_fooocus_api_has_the_time_of_the_end_in_seconds(tmp_path: Path, outputs: Path) -> None:
    row = {
        "task_id": "1" * 32,
        "task_type": "Text to Image",
        "result_url": "http://127.0.0.1:8888/files/2024-07-04/1.png",
    }
    row |= {"finish_reason": "SUCCESS", "date_time": str(QUEUED // 1000), "prompt": "cat"}
    task = imported(database(tmp_path / "database.db", FOOOCUS_API_TABLE.format(""), [row]), outputs)["cat"]
    seconds = QUEUED // 1000 * 1000
    assert (task["queued_at"], task["started_at"], task["finished_at"]) == (seconds, -1, seconds)
