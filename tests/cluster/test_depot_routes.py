"""The API of a process of a cluster: images of another node by their URLs, in requests and in answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.api.context import Context, ImageStores, Security
from fooocus_api.api.images.output_files import find_output, read_output
from fooocus_api.api.requests.image_sources import ImageResolver
from fooocus_api.api.responses.problems import InvalidFields, Problem, add_handlers
from fooocus_api.api.routes.images import outputs
from fooocus_api.api.routes.images.archive import output_path
from fooocus_api.api.security.authentication import AuthenticationMiddleware
from fooocus_api.api.security.open_paths import OPEN_PATHS
from fooocus_api.auth.keyring import Keyring
from fooocus_api.auth.signed_urls import UNSIGNED
from fooocus_api.images.depot.folder import FolderDepot
from fooocus_api.images.storage.deleted_notes import DeletedNotes
from fooocus_api.images.storage.depot_inputs import DepotInputStore
from fooocus_api.images.storage.places import ClusterPlaces
from fooocus_api.tests.support.api_calls.image_sources import HERE, PNG, HostWithOutputs
from fooocus_api.tests.support.clusters.depots import AwayDepot

RELATIVE = "node-2/2026-01-31/2026-01-31_12-00-00_1234.png"


@pytest.fixture
def depot(tmp_path: Path) -> AwayDepot:
    (tmp_path / "shared").mkdir()
    depot = AwayDepot(FolderDepot(tmp_path / "shared"))
    depot.put(RELATIVE, PNG)
    return depot


@pytest.fixture
def context(tmp_path: Path, depot: AwayDepot) -> Context:
    """Return the context of node-1, where an image of node-2 is in the depot."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    inputs = DepotInputStore(depot)
    notes = DeletedNotes(depot, "node-1", lambda _: None, lambda _: ())
    places = ClusterPlaces(lambda: [folder], inputs, depot, "node-1", notes)
    security = Security(Keyring((), tmp_path / "keys.json"), WebUILogin())
    return Context(
        HostWithOutputs(folder),
        None,
        ImageStores(inputs, cluster_places=places),
        security,
        "https://pictures.example",
        HERE,
    )


def answer(context: Context, path: str) -> httpx.Response:
    """Return the answer to a GET request."""
    app = FastAPI()
    app.state.context, app.state.paths = context, []
    app.include_router(outputs.router)
    add_handlers(app)
    guarded: Any = AuthenticationMiddleware(
        app, keys=context.security.keys, login=context.security.login, links=UNSIGNED, open_paths=OPEN_PATHS
    )

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(guarded, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://pictures.example") as client:
            return await client.get(path)

    return asyncio.run(get())


def test_an_image_of_another_node_has_three_parts_in_its_url(context: Context) -> None:
    found = answer(context, f"/outputs/{RELATIVE}")
    assert found.status_code == 200 and found.content == PNG and "immutable" in found.headers["cache-control"]
    small = answer(context, f"/outputs/{RELATIVE}?width=64")
    assert small.status_code == 200 and small.headers["content-type"] == "image/jpeg"
    for path in (RELATIVE.replace("node-2", "node-3"), RELATIVE.partition("/")[2], "..%2F/x/a.png", ".deleted/x/a.png"):
        assert answer(context, f"/outputs/{path}").status_code == 404


def test_without_a_cluster_such_a_url_names_nothing(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "outputs" / RELATIVE
    file.parent.mkdir(parents=True)
    file.write_bytes(PNG)
    alone = replace(context, images=ImageStores(context.inputs))
    gone = answer(alone, f"/outputs/{RELATIVE}")
    assert gone.status_code == 404 and gone.json()["code"] == "image_not_found"
    resolver = ImageResolver(alone)
    with pytest.raises(InvalidFields):
        resolver.resolve("input_image", f"/outputs/{RELATIVE}")


def test_an_image_that_can_not_be_fetched_now_is_no_missing_one(context: Context, depot: AwayDepot) -> None:
    depot.leave()
    away = answer(context, f"/outputs/{RELATIVE}")
    assert away.status_code == 503 and away.headers["retry-after"] == "5" and away.json()["code"] == "image_unreadable"
    with pytest.raises(Problem) as refused:
        find_output(context, PurePosixPath(RELATIVE))
    assert refused.value.status == 503


@pytest.mark.parametrize(
    "text",
    [
        f"/outputs/{RELATIVE}",
        f"outputs/{RELATIVE}",
        f"https://pictures.example/outputs/{RELATIVE}?signature=x",
        f"https://pictures.example/files/{RELATIVE}",
        f"http://127.0.0.1:9/outputs/{RELATIVE}",
        f"http://node-2.lan:7865/files/{RELATIVE}?signature=x",
    ],
)
def test_an_image_of_another_node_can_be_used_in_a_request(context: Context, text: str) -> None:
    resolver = ImageResolver(context)
    reference = resolver.resolve("input_image", text)
    assert reference == f"outputs/{RELATIVE}" and resolver.size(reference) == resolver.size(reference)
    assert resolver.hold() == [] and read_output(context)(RELATIVE) == PNG


def test_at_another_address_it_is_an_image_of_the_cluster_only_if_it_exists_and_may_be_seen(context: Context) -> None:
    for path in (RELATIVE.replace("node-2", "node-3"), RELATIVE.partition("/")[2]):
        with pytest.raises(InvalidFields, match="be reached"):
            ImageResolver(context).resolve("input_image", f"http://127.0.0.1:9/outputs/{path}")
    blind = ImageResolver(context, may_see=lambda _: False)
    with pytest.raises(InvalidFields, match="be reached"):
        blind.resolve("input_image", f"http://127.0.0.1:9/outputs/{RELATIVE}")


@pytest.mark.parametrize(
    "text", [f"/outputs/{RELATIVE}", f"https://x.example/prefix/outputs/{RELATIVE}?a=b", f"files/{RELATIVE}"]
)
def test_an_archive_takes_its_url(text: str) -> None:
    assert output_path(text) == RELATIVE
