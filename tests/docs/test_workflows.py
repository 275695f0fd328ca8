"""The workflows, which run only at GitHub: linted offline, and checked for the files they call."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BAD = {
    "a misspelt key": ("timeout-minutes:", "timeout-minutez:"),
    "a missing key": ("runs-on: windows-2022", "name: a"),
    "an action that is not pinned": ("checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8", "checkout@v5"),
    "permissions to write": ("permissions: {}", "permissions: write-all"),
    "a key left in the checkout": ("persist-credentials: false", "fetch-depth: 1"),
    "an expression in a script": ("python install.py --test", "echo ${{ github.event.head_commit.message }}"),
}


def lint(workflow: Path) -> str:
    """Return the errors in a workflow by GitHub's schema and by zizmor's audits, without network access."""
    zizmor = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
    assert zizmor, "zizmor is not installed: see requirements-dev.txt"
    schema = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows")
    said = ""
    for command in (schema, (zizmor, "--offline", "--no-config", "--persona=auditor", "--no-progress")):
        done = subprocess.run([*command, str(workflow)], capture_output=True, encoding="utf-8", timeout=120)
        said += done.stdout + done.stderr if done.returncode else ""
    return said


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_well_formed_and_safe(workflow: Path) -> None:
    assert lint(workflow) == ""


@pytest.mark.parametrize("fault", BAD)
def test_the_linters_see_a_fault(fault: str, tmp_path: Path) -> None:
    good, bad = BAD[fault]
    text = (FOLDER / "tests.yml").read_text("utf-8")
    assert good in text
    workflow = tmp_path / ".github" / "workflows" / "tests.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(text.replace(good, bad), "utf-8")
    assert lint(workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_there(workflow: Path) -> None:
    called = re.findall(r"python ([\w.\\/]+\.py)", workflow.read_text("utf-8"))
    assert called
    for script in called:
        assert (ROOT / script.replace("\\", "/")).is_file(), script
