"""A batch on a real Fooocus: its rows are generated behind other tasks, and the archive has their images."""

from __future__ import annotations

import io
import zipfile

import pytest

from fooocus_api.tests.support.api_calls.batches import accepted, combine, ended, results
from fooocus_api.tests.support.client import Client, picture

pytestmark = pytest.mark.real


def test_a_grid_is_generated(real_client: Client) -> None:
    batch_id = accepted(combine(real_client, {"prompt": ["a cat", "a dog"]}, {"image_seed": [1, 2]}))
    urgent = real_client.draw(prompt="urgent")
    assert ended(real_client, batch_id)["counts"]["succeeded"] == 4
    rows = [real_client.task(row["task_id"]) for row in results(real_client, batch_id)]
    assert [(row["req_params"]["prompt"], row["images"][0]["seed"]) for row in rows] == [
        ("a cat", 1),
        ("a cat", 2),
        ("a dog", 1),
        ("a dog", 2),
    ]
    assert urgent["finish_mills"] < rows[-1]["finish_mills"]
    content = real_client.get(f"/v1/batches/{batch_id}/archive.zip").content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 5
        assert picture(archive.read("00001_1_1.png")).size == (256, 256)
