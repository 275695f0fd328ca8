"""The pages of batches and of models: their states live, and what stops, repeats and deletes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.api_calls.batches import accepted, send_lines
from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host with models of its own, which loads files from this machine."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("manage") / "demo")
    flags = ("--allow-private-urls", "127.0.0.1/32", "--model-disk-reserve", "0.01")
    with demo_host(*flags, step_ms=20, checkout=checkout) as host:
        yield host


@pytest.fixture
def page(own: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    return page_of(own)


@pytest.fixture
def client(own: Host) -> Client:
    return Client(own.url)


@pytest.mark.nightly
def test_a_batch_is_followed_stopped_and_resumed(page: Dashboard, client: Client) -> None:
    page.open("#/batches", language="en")
    page.see(".empty", "No batches yet")
    held = client.submit(prompt="before the batch", overwrite_step=200, image_number=20)
    batch = accepted(send_lines(client, [{**QUICK, "prompt": f"row {row}"} for row in range(4)]))
    page.see(".batch header", batch[:8])
    page.see(".batch", "4 rows")
    page.click(".batch button", "Stop")
    page.see(".batch header", "Stopped")
    page.click(".batch button", "Resume")
    page.see(".batch button", "Stop")
    client.post(f"/tasks/{held['task_id']}/stop")
    page.see(".batch", "done 4")
    page.see(".batch header", "Ended")
    page.click(".batch button", "Delete")
    page.click("dialog .primary", "Delete")
    page.see(".empty", "No batches yet")
    assert client.get(f"/v1/batches/{batch}").status_code == 404


@pytest.mark.nightly
def test_a_download_is_followed_and_its_file_deleted(page: Dashboard, client: Client, own: Host) -> None:
    with FileServer(CONTENT) as server:
        page.open("#/models", language="en")
        page.click(".page-head button", "Download a model")
        page.write("dialog input[type=url]", f"{server.url}/held/new_style.safetensors")
        folder = page.see("dialog select")
        folder.find_element("css selector", "option[value=loras]").click()
        page.click("dialog .primary", "Download")
        page.see(".download", "new_style.safetensors")
        page.see(".download", "Downloading")
        page.see(".download", "loras · ")
        page.see(".download", "/ 293 KB")
        page.see(".download [role=progressbar]")
        server.go_on.set()
        page.see(".model-table td", "new_style.safetensors")
        page.see(".download", "Done")
        page.see_none(".download [role=progressbar]")
    file = own.checkout / "models" / "loras" / "new_style.safetensors"
    assert file.read_bytes() == CONTENT
    page.write(".head-search input", "new_style")
    page.browser.until(lambda: len(page.all(".model-table tbody tr")) == 1, "one file")
    page.click('.model-table [aria-label="Delete new_style.safetensors"]')
    page.click("dialog .primary", "Delete")
    page.see_none(".model-table td", "new_style.safetensors")
    wait_for(lambda: not file.exists(), "the deletion")
