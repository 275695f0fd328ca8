"""Batches through the client: their forms, their events, their results and their errors."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from fooocus_api_client import Batch, BatchResult, Client, InvalidFields

from fooocus_api.tests.client.constants import QUICK

CSV = "custom_id,prompt,performance_selection,overwrite_width,overwrite_height\n"
ROWS = "cat,a cat,Lightning,256,256\ndog,a dog,Lightning,256,256\n"


def test_rows(api: Client, tmp_path: Path) -> None:
    batch = api.batches.create([{"custom_id": name, "prompt": name, **QUICK} for name in ("cat", "dog")])
    seen: list[Any] = []
    ended = api.batches.wait(batch.batch_id, on_event=seen.append)
    assert ended.status == "ended" and ended.counts.succeeded == 2
    assert [event.custom_id for event in seen if isinstance(event, BatchResult)] == ["cat", "dog"]
    assert isinstance(seen[-1], Batch)
    assert [result.images[0].width for result in api.batches.results(batch.batch_id)] == [256, 256]
    archive = api.batches.save_archive(batch.batch_id, tmp_path / "images.zip")
    assert "results.jsonl" in zipfile.ZipFile(archive).namelist()
    api.batches.delete(batch.batch_id, images=True)


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_other_forms(api: Client, form: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(CSV + ROWS, "utf-8")
    forms: dict[str, Any] = {
        "text": CSV + ROWS,
        "csv": path,
        "json": {"request": QUICK, "combine": [{"prompt": ["a", "b"]}]},
    }
    batch = api.batches.create(forms[form])
    assert api.batches.wait(batch.batch_id).counts.succeeded == 2


def test_a_wrong_row_is_named(api: Client) -> None:
    with pytest.raises(InvalidFields) as caught:
        api.batches.create([{"prompt": "a cat"}, {"prompt": "a dog", "scheduler_name": "kerras"}])
    assert (caught.value.errors[0].row, caught.value.field) == (2, "scheduler_name")


def test_a_file_of_an_unknown_kind_is_refused(api: Client, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.touch()
    with pytest.raises(ValueError, match="unknown kind"):
        api.batches.create(path)
