"""The examples of compat-openai.md and compat-openai_zh.md with the openai client."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fooocus_api.tests.support.host import ROOT, Host
from fooocus_api.tests.support.sources.page_examples import examples_of

ADDRESS = "http://127.0.0.1:7865"


@pytest.mark.parametrize("name", ["compat-openai.md", "compat-openai_zh.md"])
def test_the_example_with_the_client(name: str, demo: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = [one for one in examples_of(ROOT / "docs" / name) if one.marker]
    exec(compile(example.code.replace(ADDRESS, demo.url), name, "exec"), {})
    with Image.open(tmp_path / "cat.png") as image:
        assert (image.format, image.size) == ("PNG", (1024, 1024))
