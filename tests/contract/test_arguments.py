"""AsyncTask's argument order in every configuration, and the place that each value reaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.adapters.inspection.patch_points import inspect_checkout
from fooocus_api.adapters.inspection.signature_reader import read_signature
from fooocus_api.tests.contract import probe as script
from fooocus_api.tests.support.host import DEMO, REAL_ENVIRONMENT, REAL_FLAGS, real_checkout, real_python

HOSTS = [pytest.param("demo", id="demo"), pytest.param("real", id="real", marks=pytest.mark.real)]
CONFIGURATIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "default": ({}, ()),
    "no image log": ({}, ("--disable-image-log",)),
    "no metadata": ({}, ("--disable-metadata",)),
    "neither": ({}, ("--disable-image-log", "--disable-metadata")),
    "other numbers": (
        {"default_max_lora_number": 3, "default_controlnet_image_count": 2, "default_enhance_tabs": 1},
        (),
    ),
}
RENAMED = {"image_seed": "seed", "guidance_scale": "cfg_scale"}


def checkout_of(host: str) -> Path:
    home = DEMO if host == "demo" else real_checkout()
    assert home is not None
    return home


def run_probe(host: str, config: dict[str, Any], flags: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Return the probe's findings on a checkout with these settings on top of its own."""
    checkout = checkout_of(host)
    own = checkout / "config.txt"
    settings = {**(json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}), **config}
    (folder / "config.txt").write_text(json.dumps(settings), encoding="utf-8")
    python = sys.executable if host == "demo" else str(real_python(checkout))
    outcome = subprocess.run(
        [
            python,
            script.__file__,
            str(checkout),
            "--temp-path",
            str(folder / "temp"),
            "--output-path",
            str(folder / "out"),
            *(REAL_FLAGS if host == "real" else ("--disable-in-browser",)),
            *flags,
        ],
        env={
            **os.environ,
            **REAL_ENVIRONMENT,
            "config_path": str(folder / "config.txt"),
            "config_example_path": str(folder / "tutorial.txt"),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    line = next((line for line in outcome.stdout.splitlines() if script.MARK in line), None)
    assert line is not None, outcome.stdout + outcome.stderr
    # A thread of the host may print on the same line.
    found: dict[str, Any] = json.JSONDecoder().raw_decode(line.partition(script.MARK)[2])[0]
    assert "error" not in found, found["error"]
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_every_patch_point_is_in_the_source(host: str) -> None:
    missing = [
        f"{finding.module}.{finding.name}: {finding.detail}"
        for finding in inspect_checkout(checkout_of(host))
        if not finding.found and not finding.module.startswith("gradio")
    ]
    assert not missing


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_every_value_reaches_its_place(host: str, configuration: str, tmp_path: Path) -> None:
    config, flags = CONFIGURATIONS[configuration]
    found = run_probe(host, config, flags, tmp_path)

    assert len(found["names"]) == found["controls"] - 1 == len(set(found["names"]))
    waiting = {name for name, state in found["patched"].items() if state != "patched"}
    assert waiting <= {"modules.core"}, "only the worker's thread imports it, perhaps later"
    assert found["queue"] == "TaskQueue" and found["worker_found"] and found["copies"]
    assert found["defaults_are_the_controls"]
    assert sum(name.startswith("cn_img[") for name in found["names"]) == found["controlnet_images"]
    if "default_max_lora_number" in config:
        assert found["lora_count"] == config["default_max_lora_number"]
        assert sum(name.startswith("enhance_enabled[") for name in found["names"]) == config["default_enhance_tabs"]

    attributes = found["attributes"]
    without_metadata = "--disable-metadata" in flags
    for name, value in script.SENT.items():
        arrived = attributes[RENAMED.get(name, name)]
        if name in ("save_metadata_to_images", "metadata_scheme") and without_metadata:
            continue  # the host lacks this argument then
        if name == "aspect_ratios_selection":
            arrived, value = arrived.replace("×", " ").split(" ")[:2], value.split("*")
        assert arrived == value, name
        if name != "aspect_ratios_selection":
            assert found["named"][name] == value, name
    assert attributes["style_selections"] == ["one style"]
    enabled = [[f"lora{index}", 0.25 + index] for index in range(found["lora_count"]) if index % 2 == 0]
    assert attributes["loras"] == enabled
    assert len(found["random_seeds"]) == 3


@pytest.mark.parametrize("host", HOSTS)
def test_the_source_is_understood_without_running_it(host: str) -> None:
    source = (checkout_of(host) / "modules" / "async_worker.py").read_text(encoding="utf-8")
    assert "repeated groups (default_max_lora_number, " in read_signature(source).describe()
