"""Imports of broken, damaged and foreign histories, and of those that Fooocus has open or that no argument names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.task_pages import Filter
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.commands import run_command
from fooocus_api.tests.support.databases.old_histories import (
    FOOOCUSAPI_TABLE,
    QUEUED,
    database,
    picture,
    record,
    run_import,
    tasks,
)

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


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
    done = run_command("import", path, "--output-path", outputs)
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
        done = run_command("import", path, "--output-path", tmp_path / "outputs")
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
    done = run_command("import", path, "--output-path", outputs)
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
