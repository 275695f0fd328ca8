"""The foundation of the compatible APIs: enabled ones, the metrics, OPTIONS, the shapes of errors, and the cost at the start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from fooocus_api.api.surfaces.errors import SHAPES
from fooocus_api.asgi.surfaces.surface import PATHS, Surface, surface_of
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.compat.legacy import post
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.keys import add_key

EVERY_PATH = [(surface, path) for surface, paths in PATHS.items() for path in paths]


@pytest.fixture(scope="module")
def without() -> Iterator[Client]:
    """Return a client of a host without compatible APIs."""
    with demo_host("--compat", "none") as host:
        yield Client(host.url)


@pytest.fixture(scope="module")
def keyed() -> Iterator[tuple[Host, Client]]:
    """Return a host that serves one API, and a client with a key of all scopes."""
    with demo_host("--compat", "legacy") as host:
        yield host, add_key(host, "boss", "--scopes", "generate,read,control,admin")


@pytest.mark.parametrize(("surface", "path"), EVERY_PATH)
def test_a_disabled_api_answers_404_and_names_the_flag(without: Client, surface: Surface, path: str) -> None:
    for address in (path, f"{path}/below"):
        response = without.get(address)
        assert response.status_code == 404 and response.json()["code"] == "path_not_found"
        assert "--compat" in response.json()["detail"] and surface.value in response.json()["detail"]


def test_no_schema_of_a_disabled_api_is_served(without: Client, keyed: tuple[Host, Client]) -> None:
    assert without.get("/v1/openapi/legacy.json").status_code == 404
    assert keyed[1].get("/v1/openapi/legacy.json").json()["paths"]
    assert keyed[1].get("/v1/openapi/mcp.json").status_code == 404


def test_one_enabled_api_leaves_the_others_disabled(keyed: tuple[Host, Client]) -> None:
    _, client = keyed
    assert client.get("/ping").json() == "pong"
    for surface, path in EVERY_PATH:
        if surface is not Surface.LEGACY:
            assert "--compat" in client.get(path).json()["detail"]


def test_requests_and_tasks_are_counted_by_api(keyed: tuple[Host, Client]) -> None:
    _, client = keyed

    def counted() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    before = counted()
    assert post(client).status_code == 200 and post(client, image_number=0).status_code == 422
    client.draw()
    after = counted()
    for name in (
        'fooocus_api_requests_total{status="200",surface="legacy"}',
        'fooocus_api_requests_total{status="422",surface="legacy"}',
        'fooocus_api_accepted_tasks_total{surface="legacy"}',
        'fooocus_api_accepted_tasks_total{surface="native"}',
    ):
        assert after[name] == before.get(name, 0) + 1, name


@pytest.mark.parametrize("path", PATHS[Surface.LEGACY])
def test_options_need_no_key_and_build_nothing(keyed: tuple[Host, Client], path: str) -> None:
    host, _ = keyed
    response = Client(host.url).request("OPTIONS", path)
    assert response.status_code == 204 and not response.content


@pytest.mark.parametrize("surface", SHAPES)
def test_errors_before_the_routes_have_the_shape_of_the_api(host_of_all: Host, surface: Surface) -> None:
    """Ask each API for errors of the guard, the key check and the router: none is a problem document."""
    path = f"{PATHS[surface][0]}/none"
    stranger, client = Client(host_of_all.url), add_key(host_of_all, f"of-{surface.value}")
    for response in (
        stranger.get(path),
        stranger.get(path, headers={"Host": "other.example"}),
        client.post(path, headers={"Origin": "https://other.example"}),
        client.get(path),
        client.request("PATCH", path),
    ):
        assert 400 <= response.status_code < 500
        assert response.headers["content-type"].startswith("application/json"), response.text
        assert response.json()
    head = client.request("HEAD", path)
    assert 400 <= head.status_code < 500 and not head.content


@pytest.fixture(scope="module")
def host_of_all() -> Iterator[Host]:
    """Return a host with all APIs and a key."""
    with demo_host() as host:
        add_key(host, "first")
        yield host


def test_nothing_of_an_api_is_imported_at_the_start() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from load_package import load_package; load_package()\n"
        "import fooocus_api.api.app\n"
        "parts = [name.split('.api.compat.')[1].split('.') for name in sys.modules if '.api.compat.' in name]\n"
        f"own = {[surface.value for surface in Surface]!r}\n"
        "print([part for part in parts if part[0] in own and part[1:] not in ([], ['errors'])])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/ping", "", Surface.LEGACY),
        ("/pingu", "", None),
        ("/x/v2/generation/y", "/x", Surface.LEGACY),
        ("/v1/engines/clean_vram", "", Surface.LEGACY),
        ("/v1/engines/styles", "", None),
        ("/v1/images/generations", "", Surface.OPENAI),
        ("/mcp/", "", Surface.MCP),
    ],
)
def test_a_path_belongs_to_an_api_with_all_below_it(path: str, prefix: str, expected: Surface | None) -> None:
    assert surface_of({"path": path, "root_path": prefix}) is expected
