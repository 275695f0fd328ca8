"""Webhooks of a real Fooocus, delivered after the receiver was down and the host was killed."""

from __future__ import annotations

import pytest

from fooocus_api.tests.support.client import Client, wait_for, without_repeats
from fooocus_api.tests.support.host import real_host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import QUICKLY, verified, webhooks

pytestmark = pytest.mark.real


def test_what_was_not_delivered_is_after_a_kill() -> None:
    receiver = Receiver()
    with real_host(*QUICKLY) as host:
        client = Client(host.url)
        record = client.draw(webhook_url=receiver.url, prompt="a lighthouse")
        wait_for(lambda: webhooks(client, record["task_id"])["attempts"], "a try")
        host.kill()
        with receiver:
            host.start()
            assert verified(receiver.next()) == without_repeats(client.task(record["task_id"]))
            assert all(client.image(url).size == (256, 256) for url in record["result"])
