"""The programs in examples/, run as a reader would against the demo host, and the images they must leave."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fooocus_api.api.schemas.generate import CommonRequest
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.sources.examples import EXAMPLES, PROGRAMS, check_example, images_of, run_example

DEFAULT = (1152, 896)

TOLD = {
    "async_and_poll": r"pending\n(.*\n)*finished 100",
    "binary": r"image/jpg gives image/jpeg",
    "control": r"The current image is being skipped\.\nThe running task is being stopped\.\nstopped after \d+ of 32",
    "describe": r"Photo: a .*\nAnime: .*, .*\nFrom a file: a ",
    "every_field": r"unknown fields: none",
    "presets": r"presets: .*nightfall.*\n.* finished\ndefault generates with demo_daylight",
    "stream": r"Sampling step 4/4, image 1/1 \.\.\.\n(.*\n)*100.* % Finished",
}


SLOW = {"enhance", "upscale_and_vary"}
"""Programs that take longest, as they generate several large images. They run nightly."""


@pytest.mark.parametrize(
    "program", [pytest.param(name, marks=pytest.mark.nightly) if name in SLOW else name for name in PROGRAMS]
)
def test_it_runs_and_leaves_its_images(demo: Host, tmp_path: Path, program: str) -> None:
    told = check_example(program, demo.url, tmp_path, DEFAULT)
    assert re.search(TOLD.get(program, "finished|png"), told), told


def test_all_are_expected_to_leave_something() -> None:
    assert sorted(images_of(DEFAULT)) == PROGRAMS


def test_a_key_is_sent_where_the_server_asks_for_one(demo_factory: DemoFactory, tmp_path: Path) -> None:
    url = demo_factory("--apikey", "secret").url
    refused = run_example("binary", url, tmp_path)
    assert refused.returncode == 1 and refused.stderr.startswith("401 "), refused.stderr
    check_example("async_and_poll", url, tmp_path, DEFAULT, "--key", "secret")


def test_a_wrong_request_ends_it_with_the_reason(demo: Host, tmp_path: Path) -> None:
    done = run_example("presets", demo.url, tmp_path, "--preset", "nightfal")
    assert done.returncode == 1 and "unknown preset 'nightfal'" in done.stderr, done.stderr


def test_every_field_of_a_request_is_in_the_complete_example() -> None:
    program = ast.parse((EXAMPLES / "every_field.py").read_text("utf-8"))
    keys = [key for node in ast.walk(program) if isinstance(node, ast.Dict) for key in node.keys]
    sent = {key.value for key in keys if isinstance(key, ast.Constant)}
    missing = sorted(CommonRequest.model_fields.keys() - sent)
    assert missing == [], f"not in examples/every_field.py: {missing}; add a line for each"


def test_the_readme_names_each_in_both_languages() -> None:
    rows = re.findall(r"^\| \[(\w+)\.py\]\(\1\.py\) \|(.+)\|(.+)\|$", (EXAMPLES / "README.md").read_text("utf-8"), re.M)
    assert sorted(program for program, *_ in rows) == PROGRAMS
    assert all(re.search("[a-z]", english) and re.search("[\u4e00-\u9fff]", chinese) for _, english, chinese in rows)
