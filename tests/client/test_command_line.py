"""The commands in a pipe: files or JSON on standard output, messages on standard error, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fooocus_api_client import Client
from PIL import Image

from fooocus_api.tests.client.constants import KEY, QUICK
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.keys import add_key, key_of

Fooocus = Callable[..., Any]
FIELDS: Any = QUICK
SMALL = [argument for name, value in QUICK.items() for argument in ("--set", f"{name}={value}")]


def size_of(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        return image.size


def test_an_image_goes_into_the_pipe(fooocus: Fooocus) -> None:
    done = fooocus("generate", "a cat", *SMALL)
    assert done.exit_code == 0 and size_of(done.stdout_bytes) == (256, 256)
    assert done.stderr == ""


def test_an_image_goes_into_a_file(fooocus: Fooocus, tmp_path: Path) -> None:
    done = fooocus("generate", "-", *SMALL, "-n", "2", "--style", "Fooocus V2", "-o", "cat.jpg", text="a cat\n")
    assert done.exit_code == 0 and done.stdout.split() == ["cat-1.jpg", "cat-2.jpg"]
    assert size_of((tmp_path / "cat-2.jpg").read_bytes()) == (256, 256)


def test_json(fooocus: Fooocus, tmp_path: Path) -> None:
    arguments = ("--size", "512x512", "--seed", "7", "--tag", "json", "--lora", "demo_dreamy_haze.safetensors:0.3")
    done = fooocus("generate", "a cat", *SMALL, *arguments, "--json")
    record = json.loads(done.stdout)
    assert record["task_status"] == "finished" and record["images"][0]["seed"] == 7 and not list(tmp_path.glob("*.png"))
    assert record["req_params"]["loras"] == [
        {"enabled": True, "model_name": "demo_dreamy_haze.safetensors", "weight": 0.3}
    ]
    listed = json.loads(fooocus("tasks", "--tag", "json", "--json").stdout)
    assert [card["task_id"] for card in listed["history"]] == [record["task_id"]]
    assert json.loads(fooocus("show", record["task_id"][:12], "--json").stdout)["task_id"] == record["task_id"]
    assert json.loads(fooocus("watch", record["task_id"], "--json").stdout)["task_id"] == record["task_id"]
    assert fooocus("show", "last", "-o", "again.png").stdout.strip() == "again.png"
    rows = list(csv.reader(io.StringIO(fooocus("tasks", "--tag", "json").stdout), delimiter="\t"))
    assert rows[0][0] == record["task_id"] and rows[0][-1] == "a cat"


def test_no_wait_and_stop(fooocus: Fooocus, api: Client) -> None:
    task_id = fooocus("generate", "a cat", "-n", "8", "--no-wait").stdout.strip()
    assert json.loads(fooocus("stop", task_id, "--json").stdout)["task_id"] == task_id
    assert api.tasks.wait(task_id).task_status == "stopped"
    done = fooocus("watch", task_id)
    assert done.exit_code == 7 and "was stopped" in done.stderr


def test_images_of_images(fooocus: Fooocus, api: Client, tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    source.write_bytes(api.image("a boat", **FIELDS))
    assert fooocus("upscale", "source.png", "--fast", "-o", "big.png").exit_code == 0
    assert size_of((tmp_path / "big.png").read_bytes()) == (1024, 1024)
    assert fooocus("inpaint", "source.png", "a lake", "--extend", "left", *SMALL[:2], "-o", "wide.png").exit_code == 0
    assert size_of((tmp_path / "wide.png").read_bytes())[0] > 256
    Image.new("L", (256, 256), 255).save(tmp_path / "mask.png")
    done = fooocus("inpaint", "source.png", "a lake", "--mask", "mask.png", *SMALL[:2], "--json")
    assert json.loads(done.stdout)["req_params"]["inpaint_mask_image_upload"]
    assert fooocus("describe", "source.png").stdout.strip()
    assert json.loads(fooocus("describe", "source.png", "--anime", "--json").stdout)["describe"]


def test_a_batch(fooocus: Fooocus, tmp_path: Path) -> None:
    names = ["custom_id", "prompt", *QUICK]
    values = [str(value) for value in QUICK.values()]
    rows = [names, ["cat", "a cat", *values], ["dog", "a dog", *values]]
    (tmp_path / "rows.csv").write_text("".join(",".join(row) + "\n" for row in rows), "utf-8")
    done = fooocus("batch", "rows.csv")
    assert done.exit_code == 0 and "2 of 2 rows succeeded" in done.stderr
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ["00001_cat_1.png", "00002_dog_1.png"]
    done = fooocus("batch", "rows.csv", "--json", "-o", "images.zip")
    assert [json.loads(line)["custom_id"] for line in done.stdout.splitlines()] == ["cat", "dog"]
    assert (tmp_path / "images.zip").read_bytes()[:2] == b"PK"
    (tmp_path / "rows.csv").write_text("prompt,scheduler_name\na,kerras\n", "utf-8")
    done = fooocus("batch", "rows.csv")
    assert done.exit_code == 2 and "row 1, scheduler_name" in done.stderr


def test_the_catalog(fooocus: Fooocus) -> None:
    assert "demo_daylight.safetensors\tcheckpoint" in fooocus("models").stdout
    assert {model["kind"] for model in json.loads(fooocus("models", "--kind", "lora", "--json").stdout)} == {"lora"}
    assert "Demo Golden Hour" in json.loads(fooocus("styles", "--json").stdout)
    assert "golden" in fooocus("styles", "Demo Golden Hour").stdout.lower()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["generate", "x", "--set", "scheduler_name=kerras"],
            2,
            "scheduler_name: unknown scheduler 'kerras' (allowed: karras)",
        ),
        (["generate", "x", "--set", "oops"], 2, "NAME=VALUE"),
        (["generate", "x", "-n", "2"], 2, "2 images need a file"),
        (["generate", "x", "--preview", "braille"], 2, "unknown preview"),
        (["generate"], 2, "Missing argument"),
        (["upscale", "nothing.png"], 2, "does not exist"),
        (["show", "0" * 32], 5, "does not exist"),
        (["stop", "123"], 2, "none of the newest tasks"),
        (["models", "--url", "http://127.0.0.1:1"], 3, "is Fooocus running there?"),
        (["models", "--url", "ftp://x"], 2, "begins with http"),
    ],
)
def test_exit_codes(fooocus: Fooocus, arguments: list[str], code: int, message: str) -> None:
    done = fooocus(*arguments)
    assert done.exit_code == code, done.stderr
    assert message in " ".join(done.stderr.split()) and done.stdout == ""


def test_errors_as_json(fooocus: Fooocus) -> None:
    done = fooocus("generate", "x", "--set", "scheduler_name=kerras", "--json")
    problem = json.loads(done.stderr)
    assert problem["code"] == "invalid_fields" and problem["errors"][0]["field"] == "scheduler_name"


def test_login(fooocus: Fooocus, guarded: Host, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOOOCUS_URL")
    assert fooocus("login", guarded.url, "--key", "wrong").exit_code == 4 and not settings.exists()
    done = fooocus("login", guarded.url, "--key", "-", text=f"{KEY}\n")
    assert done.exit_code == 0 and KEY not in done.output
    if sys.platform != "win32":
        assert stat.S_IMODE(settings.stat().st_mode) == 0o600 and stat.S_IMODE(settings.parent.stat().st_mode) == 0o700
    assert fooocus("styles").exit_code == 0
    assert fooocus("styles", "--url", guarded.url.replace("127.0.0.1", "localhost")).exit_code == 4  # another origin
    assert fooocus("login", "--forget").exit_code == 0 and KEY not in settings.read_text("utf-8")
    assert fooocus("styles", "--url", guarded.url).exit_code == 4
    settings.write_text("{", "utf-8")
    done = fooocus("styles")
    assert done.exit_code == 2 and "run `fooocus login` again" in done.stderr


def test_a_key_that_may_only_generate(fooocus: Fooocus, guarded: Host, tmp_path: Path) -> None:
    key = key_of(add_key(guarded, "generator", "--scopes", "generate"))
    server = ("--url", guarded.url, "--key", key)
    done = fooocus("generate", "a cat", "-o", "cat.png", "--set", "performance_selection=Lightning", *server)
    assert done.exit_code == 0 and (tmp_path / "cat.png").exists(), done.output
    assert "lacks the scope read" in done.stderr
    done = fooocus("upscale", "cat.png", "--fast", "-o", "large.png", *server)
    assert done.exit_code == 0 and (tmp_path / "large.png").exists(), done.output
    assert fooocus("tasks", *server).exit_code == 4
