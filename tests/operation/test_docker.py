"""`docker/`: the image, the compose file, the systemd unit and the batch file: linted and checked, as no Docker runs here."""

from __future__ import annotations

import configparser
import fnmatch
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from fooocus_api.installer.placement.extension_files import DEVELOPERS_ONLY
from fooocus_api.tests.support.host import ROOT, Host

FOLDER = ROOT / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")
COMPOSE = FOLDER / "compose.yml"
UNIT = FOLDER / "fooocus.service"
PAGES = [ROOT / "docs" / f"{name}{language}.md" for name in ("docker", "service") for language in ("", "_zh")]
HADOLINT = shutil.which("hadolint", path=sysconfig.get_path("scripts"))


def instructions(name: str) -> list[str]:
    """Return the arguments of that instruction, in order."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)


def service() -> dict[str, Any]:
    """Return the one service of the compose file."""
    content = yaml.safe_load(COMPOSE.read_text("utf-8"))
    (only,) = content["services"].values()
    return dict(only)


def unit(text: str) -> configparser.RawConfigParser:
    """Parse a unit; of a repeated setting the last one counts here."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


# ------------------------------------------------------------------------ the image


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed: see requirements-dev.txt")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([str(HADOLINT), str(FOLDER / "Dockerfile")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_signals_reach_fooocus_without_a_shell() -> None:
    (entry,) = instructions("ENTRYPOINT")
    assert json.loads(entry)[:2] == ["python", "launch.py"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"] and not instructions("CMD")


def test_the_image_runs_as_a_user_of_few_rights() -> None:
    assert instructions("USER")[-1] not in ("0", "root")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_health_check_passes_on_a_running_host(demo: Host) -> None:
    (check,) = instructions("HEALTHCHECK")
    command = json.loads(check[check.index("CMD ") + 4 :])
    assert command[0] == "curl" and command[-1] == "http://127.0.0.1:7865/healthz"
    assert subprocess.run([*command[:-1], f"{demo.url}/healthz"]).returncode == 0
    assert subprocess.run([*command[:-1], f"{demo.url}/no-such-page"]).returncode != 0


def test_the_installer_gets_all_its_files_and_no_keys() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - DEVELOPERS_ONLY
    requirements = ("requirements-ext.txt", "requirements-cluster.txt")
    needed = {*packages, *(path.name for path in ROOT.glob("*.py")), *requirements, "LICENSE"}
    assert [name for name in needed if any(fnmatch.fnmatch(name, pattern) for pattern in ignored)] == []
    for name in (".git", ".venv", "docker", "tests"):  # docker/ has the keys of the compose file
        assert any(fnmatch.fnmatch(name, pattern) for pattern in ignored), name


# ----------------------------------------------------------------- the compose file


def test_the_compose_file_follows_the_specification() -> None:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_volumes_of_the_compose_file_are_those_of_the_image() -> None:
    targets = {volume.partition(":")[2] for volume in service()["volumes"]}
    assert targets == set(json.loads(instructions("VOLUME")[0]))


def test_only_this_machine_reaches_the_published_port() -> None:
    assert [port.startswith("127.0.0.1:") for port in service()["ports"]] == [True]


def test_keys_are_a_secret_and_in_no_argument() -> None:
    content = service()
    assert content["environment"]["API_KEY_FILE"] == f"/run/secrets/{content['secrets'][0]}"
    assert "apikey" not in f"{content['command']}{DOCKERFILE}"
    assert "docker/api_keys.txt" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_container_has_time_and_no_capabilities() -> None:
    content = service()
    assert content["stop_grace_period"] == "30s" and content["init"] and content["cap_drop"] == ["ALL"]


# ------------------------------------------------------------------------ the unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text("utf-8"), flags=re.MULTILINE)
    copy = tmp_path / UNIT.name
    copy.write_text(text, "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, ours) == (0, [])


def test_the_unit_ends_fooocus_gently_and_keeps_keys_off_the_command_line() -> None:
    settings = unit(UNIT.read_text("utf-8"))["Service"]
    assert settings["KillSignal"] == "SIGTERM" and settings["SuccessExitStatus"] == "143"
    assert int(settings["TimeoutStopSec"]) >= 30
    assert "apikey" not in settings["ExecStart"] and settings["LoadCredential"].startswith("api_keys:/etc/")


def test_the_batch_file_restarts_and_keeps_keys_off_the_command_line() -> None:
    lines = (FOLDER / "fooocus_service.bat").read_bytes().decode("ascii").split("\r\n")
    (start,) = (line for line in lines if "launch.py" in line)
    assert "apikey" not in start and lines[-2] == "goto :start"


# ----------------------------------------------------------------------- the pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_name_files_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in re.findall(r"(?<![\w/])docker/[\w.]+", text):
        assert (ROOT / name).is_file() or name == "docker/api_keys.txt", name
