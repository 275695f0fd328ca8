"""Equality of the task that the worker gets from a request and the task that the WebUI's controls would have made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.contract import arrival as script
from fooocus_api.tests.contract import probe
from fooocus_api.tests.contract.fields import NOT_DRAWN, NOT_EVERYWHERE, PRESETS
from fooocus_api.tests.contract.rows import ENHANCE, ROWS, SIDES
from fooocus_api.tests.support.host import DEMO, REAL_ENVIRONMENT, REAL_FLAGS, free_port, real_checkout, real_python
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

HOSTS = [pytest.param("demo", id="demo"), pytest.param("real", id="real", marks=pytest.mark.real)]
ALIKE = {"nothing", "loras, disabled", "save_name", "preset, nothing", *NOT_DRAWN}
"""Rows whose task may equal an untouched one; all others must differ."""


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that sends all rows to a host on first use; a host that failed is not asked again."""
    asked: set[str] = set()
    found: dict[str, dict[str, Any]] = {}

    def of(host: str) -> dict[str, Any]:
        if host not in asked:
            asked.add(host)
            found[host] = send(host, tmp_path_factory.mktemp(host))
        assert host in found, "the host did not answer, see the first failure"
        return found[host]

    return of


def send(host: str, folder: Path) -> dict[str, Any]:
    home = DEMO if host == "demo" else real_checkout()
    assert home is not None
    checkout = copy_checkout(home, folder / "checkout")
    own = checkout / "config.txt"
    settings = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    (folder / "vae").mkdir()
    (folder / "vae" / "another.safetensors").touch()  # named in a request, never loaded
    own.write_text(json.dumps({**settings, "path_vae": str(folder / "vae")}), encoding="utf-8")
    write_presets(checkout, home / "models")
    paths = ["--output-path", str(folder / "out"), "--temp-path", str(folder / "temp")]
    flags = REAL_FLAGS if host == "real" else ("--disable-in-browser",)
    python = sys.executable if host == "demo" else str(real_python(home))
    outcome = subprocess.run(
        [python, script.__file__, str(checkout), "--port", str(free_port()), *paths, *flags],
        env={**os.environ, **REAL_ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=300,
    )
    line = next((line for line in outcome.stdout.splitlines() if probe.MARK in line), None)
    assert line is not None, outcome.stdout + outcome.stderr
    # A thread of the host may print on the same line.
    found: dict[str, Any] = json.JSONDecoder().raw_decode(line.partition(probe.MARK)[2])[0]
    assert "error" not in found, found["error"]
    return found


def write_presets(checkout: Path, models: Path) -> None:
    """Write the table's presets with the names of the host's files."""
    first, second = sorted(path.name for path in (models / "checkpoints").glob("*.safetensors"))
    lora = min(path.name for path in (models / "loras").glob("*.safetensors"))
    names = {"<first checkpoint>": first, "<second checkpoint>": second, "<lora>": lora}
    for preset, content in PRESETS.items():
        text = json.dumps(content)
        for placeholder, name in names.items():
            text = text.replace(placeholder, name)
        (checkout / "presets" / f"{preset}.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("host", HOSTS)
def test_it_arrives_as_the_webui_would_have_sent_it(arrived: Any, host: str, row: str) -> None:
    rows = arrived(host)["rows"]
    if row in NOT_EVERYWHERE and row not in rows:
        pytest.skip(f"this Fooocus has no {row}")
    assert rows[row]["differences"] == []
    assert rows[row]["changed"] or row in ALIKE


@pytest.mark.parametrize("host", HOSTS)
def test_every_field_of_the_schema_has_a_row(arrived: Any, host: str) -> None:
    schema = arrived(host)["schema"]
    sent = {name for row in ROWS.values() for name in row.fields}
    loras = {name for lora in ROWS["loras"].fields["loras"] for name in lora}
    missing = set(schema["CommonRequest"]) - sent
    assert not missing, f"without a row: {missing}; add PLAIN, RENAMED or NOT_DRAWN rows to tests/contract/fields.py"
    assert set(schema["Lora"]) == loras
    assert set(schema["ImagePrompt"]) == set(SIDES)
    assert set(schema["EnhanceControl"]) == set(ENHANCE)
    assert set(ENHANCE) <= ROWS.keys()
