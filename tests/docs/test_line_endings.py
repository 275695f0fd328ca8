"""Line endings in the repository and in a ZIP of it, and Command Prompt's requirements for a batch file."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

BATCHES = sorted((*ROOT.glob("*.bat"), *(ROOT / "installer").glob("*.bat")))


def git(*arguments: str) -> bytes:
    """Return git's output for this repository; skip the test without git or a repository."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
    except OSError:
        pytest.skip("git is not installed")
    if done.returncode:
        pytest.skip(f"not a git repository: {done.stderr.decode()}")
    return done.stdout


def test_text_is_lf_in_the_repository_and_everywhere_but_batch_files() -> None:
    wrong = []
    for line in git("ls-files", "--eol", "-z").decode().split("\0")[:-1]:
        described, _, name = line.partition("\t")
        index, tree, *attributes = described.split()
        if index == "i/-text" or index == "i/none":
            continue
        wanted = "eol=crlf" if name.endswith(".bat") else "eol=lf"
        if index != "i/lf" or wanted not in attributes or (tree == "w/crlf" and not name.endswith(".bat")):
            wrong.append(line)
    assert not wrong


@pytest.mark.parametrize("batch", BATCHES, ids=lambda path: path.name)
def test_a_batch_file_is_crlf_in_a_zip(batch: Path) -> None:
    """Require CRLF: Command Prompt misses labels in a file with LF."""
    name = batch.relative_to(ROOT).as_posix()
    if not git("ls-files", "--", name):
        pytest.skip(f"{name} is not committed yet")
    with zipfile.ZipFile(io.BytesIO(git("archive", "--format=zip", "HEAD", name))) as archive:
        content = archive.read(name)
    assert content.count(b"\n") == content.count(b"\r\n") > 5


@pytest.mark.parametrize("batch", BATCHES, ids=lambda path: path.name)
def test_a_batch_file_is_ascii_and_leads_somewhere(batch: Path) -> None:
    text = batch.read_bytes().decode("ascii")
    labels = {label.lower() for label in re.findall(r"^:(\w+)", text, re.MULTILINE)}
    jumps = re.findall(r"\bgoto :?(\w+)|\bcall :(\w+)", text)
    for jump in jumps:
        assert "".join(jump).lower() in labels
    files = [
        found.replace("\\", "/")
        for found in re.findall(r"%~dp0([\w\\.]+\.\w+)|call ([\w\\]+\.bat)", text)
        for found in found
        if found
    ]
    for file in files:
        assert (batch.parent / file).is_file(), file
    assert len(jumps) + len(files) > 1, "nothing was looked at"


@pytest.mark.parametrize("batch", BATCHES, ids=lambda path: path.name)
def test_a_batch_file_quotes_every_path(batch: Path) -> None:
    """Quote paths: folders have spaces, parentheses and ampersands."""
    for line in batch.read_text("ascii").splitlines():
        if not line.startswith("rem"):
            assert re.search(r"%(~dp0|~f1|AT|ABOVE|PYTHON|GIVEN)", re.sub(r'"[^"]*"', "", line)) is None, line
