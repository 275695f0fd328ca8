"""The import command of docs/migration.md: histories of FooocusAPI and Fooocus-API, imported once, source files unchanged."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PILImage

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.queries import Filter
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, ROOT

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

Row = dict[str, Any]

FOOOCUSAPI_TABLE = """CREATE TABLE generate_record (
    id INTEGER NOT NULL PRIMARY KEY, task_id VARCHAR(255) NOT NULL, req_params JSON NOT NULL, in_queue_mills INTEGER,
    start_mills INTEGER, finish_mills INTEGER, task_status VARCHAR(255), progress FLOAT, webhook_url VARCHAR(255), result JSON)"""
FOOOCUS_API_TABLE = """CREATE TABLE generate_record (
    task_id VARCHAR(255) NOT NULL PRIMARY KEY, task_type TEXT NOT NULL, result_url TEXT, finish_reason TEXT,
    date_time INTEGER NOT NULL, prompt TEXT, base_model_name TEXT, loras JSON, image_prompts JSON, outpaint_distance_left INTEGER,
    webhook_url TEXT, require_base64 BOOLEAN{})"""
TIMES = (
    ", task_in_queue_mills INTEGER DEFAULT 0, task_start_mills INTEGER DEFAULT 0, task_finish_mills INTEGER DEFAULT 0"
)
QUEUED = 1_720_085_748_199


def database(file: Path, table: str, rows: list[Row]) -> Path:
    """Create an old database with these rows; lists and objects are written as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(table)
        for row in rows:
            values = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in row.values()]
            names = ", ".join(row)
            connection.execute(f"INSERT INTO generate_record ({names}) VALUES ({', '.join('?' * len(row))})", values)
    return file


def record(number: int, **changes: Any) -> Row:
    """Return a row as FooocusAPI writes it for a finished task with one image."""
    return {
        "task_id": f"{number:032x}",
        "req_params": {
            "prompt": f"cat {number}",
            "base_model_name": "demo_daylight.safetensors",
            "uov_input_image": "",
        },
        "in_queue_mills": QUEUED + number,
        "start_mills": QUEUED + number + 226,
        "finish_mills": QUEUED + number + 21_847,
        "task_status": "finished",
        "progress": 100,
        "webhook_url": "",
        "result": [f"http://127.0.0.1:7866/outputs/2024-07-04/{number}.png"],
    } | changes


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PILImage.new("RGB", (64, 48), (len(path.name), 2, 3)).save(path)
    return path


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return an output folder with the images of the tasks 0 to 4."""
    for number in range(5):
        picture(tmp_path / "outputs" / "2024-07-04" / f"{number}.png")
    return tmp_path / "outputs"


def run_import(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO), **(env or {})}
    command = [sys.executable, str(ROOT / "extension.py"), "import", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def imported(path: Path, outputs: Path) -> dict[str, Row]:
    """Import the database, assert success, and return all tasks by their prompt."""
    done = run_import(path, "--output-path", outputs)
    assert done.returncode == 0, done.stdout + done.stderr
    return tasks(outputs)


def tasks(outputs: Path, database: str | None = None) -> dict[str, Row]:
    repository = Repository(database or outputs / ".fooocus_api" / "tasks.sqlite3")
    try:
        rows = repository.page(Filter(), 0, 100, newest_first=False)
        assert repository.count(Filter()) == (len(rows), False)
    finally:
        repository.close()
    return {row["parameters"]["prompt"]: row for row in rows}


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
    second = run_import(path, "--output-path", outputs)
    assert second.returncode == 0, second.stderr
    assert "0 tasks imported, 2 already present, 1 completed with missing images" in second.stdout
    found = tasks(outputs)
    assert list(found) == ["cat 1", "cat 7"]
    assert [image["path"] for image in found["cat 7"]["images"]] == ["2024-07-05/7.png"]
    assert found["cat 7"]["parameters"]["imported"] == {"from": "FooocusAPI"}
    assert "0 tasks imported, 3 already present." in run_import(path, "--output-path", outputs).stdout


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
    assert "0 tasks imported, 3 already present." in run_import(path, "--output-path", outputs).stdout


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


def test_broken_rows_are_skipped_and_counted(outputs: Path) -> None:
    broken = [
        record(1, req_params="{"),
        record(1, req_params="[]"),
        record(1, req_params='{"prompt": "cat", "sharpness": NaN}'),
        record(1, req_params='{"prompt": "cat", "sharpness": 1e999}'),
        record(1, req_params='{"a": ' * 100 + "1" + "}" * 100),
        record(1, req_params="[" * 100_000),
        record(1, req_params={"controlnet_image": ["no object"]}),
        record(1, in_queue_mills="yesterday"),
        record(1, in_queue_mills=1e300),
        record(1, task_id=""),
        record(1, task_id=b"\xff\x00"),
        record(1, result="not a list"),
        record(1, result=[1]),
    ]
    strange = record(3, req_params={"prompt": "a \x00 cat", "uov_input_image": {"image": 1}}, task_status=b"\xff")
    half = record(4, req_params='{"prompt": "half \\ud83d"}')
    path = database(outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(0), *broken, record(2), strange, half])
    done = run_import(path, "--output-path", outputs)
    assert done.returncode == 1
    assert "4 tasks imported" in done.stdout
    assert f"error: {len(broken)} broken rows skipped" in done.stderr
    assert "skipped: row 2: req_params is not JSON" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tasks(outputs)) == ["cat 0", "cat 2", "a   cat", "half ?"]


def test_what_is_no_old_history_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite3"
    text.write_text("no database " * 100)
    empty = database(tmp_path / "empty.sqlite3", "CREATE TABLE other (id INTEGER)", [])
    other = database(tmp_path / "other.sqlite3", "CREATE TABLE generate_record (id INTEGER)", [])
    refused: dict[Path, str] = {
        tmp_path / "missing.sqlite3": "missing.sqlite3 does not exist",
        tmp_path: "is a folder",
        text: "can't be read as a SQLite database",
        empty: "it has no table generate_record",
        other: "its table generate_record has other columns",
    }
    for path, said in refused.items():
        done = run_import(path, "--output-path", tmp_path / "outputs")
        assert done.returncode == 1
        assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
        assert said in done.stderr and str(path) in done.stderr
    assert not (tmp_path / "outputs").exists(), "nothing was begun"
    assert run_import().returncode == 2


def test_a_damaged_database_gives_what_can_be_read_in_whole_batches(tmp_path: Path, outputs: Path) -> None:
    path = database(
        outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(number, progress=number) for number in range(3000)]
    )
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size * 3 // 4)
        file.write(b"\xff" * (size - size * 3 // 4))
    done = run_import(path, "--output-path", outputs)
    assert done.returncode == 1
    assert "can't be read as a SQLite database" in done.stderr and "Traceback" not in done.stderr
    repository = Repository(outputs / ".fooocus_api" / "tasks.sqlite3")
    count, _ = repository.count(Filter())
    repository.close()
    assert count % 500 == 0


def test_the_history_is_found_as_fooocus_finds_it(tmp_path: Path, outputs: Path) -> None:
    path = database(tmp_path / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1)])
    config = tmp_path / "config.txt"
    config.write_text(json.dumps({"path_outputs": str(outputs)}))
    assert run_import(path, env={"config_path": str(config)}).returncode == 0
    assert len(tasks(outputs)["cat 1"]["images"]) == 1

    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    assert run_import(path, env={"config_path": str(config), "API_DB": url}).returncode == 0
    assert len(tasks(outputs, url)["cat 1"]["images"]) == 1
    refused = run_import(path, "--api-db", "no url")
    assert refused.returncode == 2 and "'no url' is not a database URL" in refused.stderr

    config.write_text("{")
    broken = run_import(path, env={"config_path": str(config)})
    assert broken.returncode == 1 and broken.stderr.startswith(f"error: {config} can't be read")


def test_a_running_fooocus_is_said_and_its_next_start_shows_what_came(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    picture(host.outputs / "2024-07-04" / "1.png")
    picture(host.folder / "inputs" / "old.png")
    parameters = {"prompt": "an old cat", "uov_input_image": "http://127.0.0.1:7866/inputs/old.png"}
    path = database(host.outputs / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1, req_params=parameters)])
    client = Client(host.url)
    new = client.draw(prompt="a new cat")
    refused = run_import(path, "--output-path", host.outputs)
    assert refused.returncode == 1
    assert "Fooocus is running with the history" in refused.stderr and len(refused.stderr.splitlines()) == 1

    host.stop()
    done = run_import(path, "--output-path", host.outputs)
    assert done.returncode == 0, done.stderr
    host.start()
    newest, oldest = client.tasks(query="history")["history"]
    assert newest["task_id"] == new["task_id"]
    assert client.tasks(source="imported", prompt="old")["history"] == [oldest]
    assert (oldest["task_id"], oldest["in_queue_mills"]) == (f"{1:032x}", QUEUED + 1)
    assert oldest["result"] == [f"{host.url}/outputs/2024-07-04/1.png"]
    for url in (oldest["result"][0], oldest["req_params"]["uov_input_image"]):
        assert client.get(url.removeprefix(host.url)).status_code == 200
    assert client.request("DELETE", f"/tasks/{oldest['task_id']}").status_code == 204
    assert not (host.outputs / "2024-07-04" / "1.png").exists()
