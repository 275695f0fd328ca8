"""The catalog beyond names: control types, wildcards, models, styles and their sample pictures, on a copy of the demo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, picture
from fooocus_api.tests.support.host import DEMO, demo_host

LISTS = {
    "output-formats": ("png", "jpeg", "webp"),
    "metadata-schemes": ("fooocus", "a1111"),
    "refiner-swap-methods": ("joint", "separate", "vae"),
    "uov-methods": ("Disabled", "Vary (Subtle)", "Upscale (Fast 2x)", "Upscale (Custom)"),
    "inpaint-engines": ("None", "v2.6"),
    "outpaint-directions": ("Left", "Right", "Top", "Bottom"),
    "mask-models": ("u2net", "sam"),
    "cloth-categories": ("full", "upper", "lower"),
    "sam-models": ("vit_b", "vit_l", "vit_h"),
    "enhance-orders": ("Before First Enhancement", "After Last Enhancement"),
    "enhance-prompt-types": ("Original Prompts", "Last Filled Enhancement Prompts"),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the demo with a sample picture of a style and three wildcard files."""
    copy = tmp_path_factory.mktemp("catalog") / "checkout"
    shutil.copytree(DEMO, copy, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    samples = copy / "sdxl_styles" / "samples"
    samples.mkdir()
    for name in ("fooocus_v2", "fooocus_sharp"):
        PILImage.new("RGB", (96, 96), "olive").save(samples / f"{name}.jpg")
    wildcards = copy / "wildcards"
    (wildcards / "below").mkdir(parents=True)
    (wildcards / "animal.txt").write_text("cat\n\ndog\n \n", "utf-8")
    (wildcards / "below" / "plant.txt").write_text("白菜\ntree", "utf-8")
    (wildcards / "broken.txt").write_bytes(b"\xff\xfe\xff")
    return copy


@pytest.fixture(scope="module")
def client(checkout: Path) -> Iterator[Client]:
    with demo_host(checkout=checkout) as host:
        yield Client(host.url)


@pytest.mark.parametrize("path", LISTS)
def test_lists_have_the_names_of_the_webuis_controls(client: Client, path: str) -> None:
    names = client.get(f"/v1/engines/{path}").json()
    assert set(LISTS[path]) <= set(names) and len(set(names)) == len(names)


def test_control_types_have_the_hosts_defaults(client: Client) -> None:
    types = {one.pop("name"): one for one in client.get("/v1/engines/control-types").json()}
    assert types["ImagePrompt"] == {"stop": 0.5, "weight": 0.6} and types["FaceSwap"] == {"stop": 0.9, "weight": 0.75}
    schema = client.get("/v1/openapi.json").json()["components"]["schemas"]
    assert list(types) == schema["ImagePrompt"]["properties"]["cn_type"]["enum"]


def test_wildcards_have_the_numbers_of_their_lines(client: Client, checkout: Path) -> None:
    assert client.get("/v1/engines/wildcards").json() == [
        {"name": "animal", "lines": 3},  # a line with a space is one
        {"name": "broken", "lines": 0},
        {"name": "plant", "lines": 2},
    ]
    (checkout / "wildcards" / "colour.txt").write_text("red\n", "utf-8")
    (checkout / "wildcards" / "animal.txt").write_text("cat\ndog\ncow\nsow\n", "utf-8")
    counts = {one["name"]: one["lines"] for one in client.get("/v1/engines/wildcards").json()}
    assert counts == {"animal": 4, "broken": 0, "colour": 1, "plant": 2}


def test_models_have_size_time_and_kind(client: Client, checkout: Path) -> None:
    embedding = checkout / "models" / "embeddings" / "below" / "words.safetensors"
    embedding.parent.mkdir(parents=True)
    embedding.write_bytes(b"12345")
    found = {(one["kind"], one["name"]): one for one in client.get("/v1/engines/models").json()}
    for kind, folder, field in (
        ("checkpoint", "checkpoints", "model_filenames"),
        ("lora", "loras", "lora_filenames"),
        ("vae", "vae", "vae_filenames"),
    ):
        names = client.get("/v1/engines/all-models").json()[field]
        assert [name for known, name in found if known == kind] == names
        for name in names:
            status = (checkout / "models" / folder / name).stat()
            entry = found[kind, name]
            assert entry["size"] == status.st_size and entry["hash"] is None
            written = datetime.fromisoformat(entry["modified_at"].replace("Z", "+00:00"))
            assert written == datetime.fromtimestamp(status.st_mtime, timezone.utc)
    assert found["embedding", str(Path("below", "words.safetensors"))]["size"] == 5
    kinds = {one["kind"] for one in client.get("/v1/engines/models", params={"kind": ["lora", "vae"]}).json()}
    assert kinds == {"lora", "vae"}
    embedding.unlink()
    assert client.get("/v1/engines/models", params={"kind": "embedding"}).json() == []


def test_an_unknown_kind_is_refused_by_name(client: Client) -> None:
    response = client.get("/v1/engines/models", params={"kind": "loras"})
    (error,) = response.json()["errors"]
    assert response.status_code == 422 and (error["field"], error["allowed"]) == ("kind", ["lora"])
    many = client.get("/v1/engines/models", params={"kind": ["lora"] * 21})
    assert many.status_code == 422 and many.json()["errors"][0]["code"] == "wrong_count"


def test_a_style_has_its_templates_and_its_picture(client: Client) -> None:
    style = client.get("/v1/engines/styles/Fooocus Sharp").json()
    assert style["name"] == "Fooocus Sharp" and "{prompt}" in style["prompt"] and style["negative_prompt"]
    assert style["sample_url"] == f"{client.url}/v1/engines/styles/Fooocus%20Sharp/sample"
    shown = client.get(style["sample_url"])
    assert shown.headers["content-type"] == "image/jpeg" and picture(shown.content).size == (96, 96)
    known = client.get(style["sample_url"], headers={"If-None-Match": shown.headers["etag"]})
    assert known.status_code == 304
    assert client.image(style["sample_url"], headers={"Accept": "image/webp"}).format == "WEBP"


def test_a_style_that_the_host_computes_has_no_templates(client: Client) -> None:
    expanded = client.get("/v1/engines/styles/Fooocus V2").json()
    assert expanded["prompt"] is None and expanded["negative_prompt"] is None and expanded["sample_url"]
    random = client.get("/v1/engines/styles/Random Style").json()
    assert random == {"name": "Random Style", "prompt": None, "negative_prompt": None, "sample_url": None}
    missing = client.get("/v1/engines/styles/Random Style/sample")
    assert missing.status_code == 404 and missing.json()["code"] == "image_not_found"


@pytest.mark.parametrize(
    "name", ["fooocus sharpp", "..", "samples", "%2e%2e%2fsdxl_styles_demo.json", "Fooocus Sharp%00", "a" * 5000]
)
def test_other_styles_do_not_exist(client: Client, name: str) -> None:
    for path in (f"/v1/engines/styles/{name}", f"/v1/engines/styles/{name}/sample"):
        response = client.get(path)
        assert response.status_code == 404
        if name == "fooocus sharpp":
            problem = response.json()
            assert problem["code"] == "style_not_found" and problem["nearest"][0] == "Fooocus Sharp"


def test_all_styles_of_the_list_have_an_entry(client: Client) -> None:
    for name in client.get("/v1/engines/styles").json():
        assert client.get(f"/v1/engines/styles/{name}").json()["name"] == name
