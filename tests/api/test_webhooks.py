"""Webhooks for finished tasks: signed, delivered at least once, despite failures of the receiver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.api.test_failures import DOOMED, Doomed
from fooocus_api.tests.support.client import Client, wait_for, without_repeats
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import LOCAL, QUICKLY, once, statuses, verified, webhooks

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host on a copy of the demo, whose tasks have no webhook by default."""
    checkout = tmp_path_factory.mktemp("host") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with demo_host(*QUICKLY, step_ms=20, checkout=checkout) as host:
        yield host


@pytest.fixture
def client(host: Host) -> Client:
    return Client(host.url)


# ----------------------------------------------------------------------- payloads


def test_a_finished_task_is_told_as_its_record(client: Client, receiver: Receiver) -> None:
    record = client.draw(webhook_url=receiver.url, prompt="a lighthouse 灯塔", require_base64=True)
    delivery = receiver.next()
    assert record["webhook_url"] == receiver.url and delivery.path == "/hook"
    assert verified(delivery) == without_repeats(client.task(record["task_id"]))
    assert delivery.headers["webhook-id"] == f"msg_{record['task_id']}"
    assert delivery.headers["content-type"] == "application/json"
    assert all(client.get(url).status_code == 200 for url in delivery.record["result"])
    state = once(client, record["task_id"], "delivered")
    assert state["webhook_url"] == receiver.url and statuses(state) == [200] and state["next_attempt_mills"] == -1
    assert state["attempts"][0]["at_mills"] >= record["finish_mills"] and receiver.none_left()


def test_a_failed_task_is_told(host: Host, client: Client, receiver: Receiver) -> None:
    doomed = Doomed(host)
    with doomed:
        task_id = client.submit(webhook_url=receiver.url, base_model_name=DOOMED)["task_id"]
        doomed.path.unlink()
        told = verified(receiver.next())
    assert told["task_status"] == "failed" and DOOMED in told["error"]["message"]
    assert told == client.task(task_id)


@pytest.mark.parametrize("status", ["running", "pending"])
def test_a_stopped_task_is_told(client: Client, receiver: Receiver, status: str) -> None:
    other = client.submit(overwrite_step=60)["task_id"]
    client.until(other, "running")
    task_id = client.submit(webhook_url=receiver.url, overwrite_step=60)["task_id"]
    assert webhooks(client, task_id)["webhook_status"] == "waiting"
    assert client.post(f"/tasks/{task_id}/webhooks/resend").status_code == 409
    if status == "running":
        client.post(f"/tasks/{other}/stop")
        client.until(task_id, "running")
    client.post(f"/tasks/{task_id}/stop")
    assert verified(receiver.next())["task_status"] == "stopped"
    client.post(f"/tasks/{other}/stop")
    client.ended(other)


def test_a_task_that_tells_nobody(client: Client) -> None:
    record = client.draw()
    state = webhooks(client, record["task_id"])
    assert state["webhook_status"] == "none" and state["webhook_url"] == "" and state["attempts"] == []
    assert client.post(f"/tasks/{record['task_id']}/webhooks/resend").status_code == 409
    assert client.get(f"/tasks/{'0' * 32}/webhooks").status_code == 404
    assert client.post(f"/tasks/{'0' * 32}/webhooks/resend").status_code == 404


# ----------------------------------------------------------------------- attempts


def test_after_a_500_it_is_told_again(client: Client) -> None:
    with Receiver(500, 503) as receiver:
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        first, second, third = (receiver.next() for _ in range(3))
        assert [first.status, second.status, third.status] == [500, 503, 200]
        assert verified(first) == verified(second) == verified(third)
        assert first.headers["webhook-id"] == third.headers["webhook-id"]
        assert statuses(once(client, task_id, "delivered")) == [500, 503, 200]


def test_a_receiver_that_is_down_is_told_when_it_is_up(client: Client) -> None:
    receiver = Receiver()
    task_id = client.draw(webhook_url=receiver.url)["task_id"]
    wait_for(lambda: len(webhooks(client, task_id)["attempts"]) >= 2, "two tries")
    with receiver:
        assert verified(receiver.next())["task_id"] == task_id
        state = once(client, task_id, "delivered")
    assert state["attempts"][0]["status"] is None and "refused" in state["attempts"][0]["error"].lower()


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(client: Client, form: str, status: int) -> None:
    in_an_hour = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1, seconds=2), usegmt=True)
    with Receiver((status, "Retry-After", "3600" if form == "seconds" else in_an_hour)) as receiver:
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        assert receiver.next().status == status
        wait_for(lambda: webhooks(client, task_id)["attempts"], "the try to be noted")
        state = webhooks(client, task_id)
        assert state["webhook_status"] == "pending"
        assert state["next_attempt_mills"] - state["attempts"][0]["at_mills"] >= 3_600_000
        # Other deliveries to it wait as well; a resend does not wait.
        other = client.draw(webhook_url=receiver.url)["task_id"]
        assert webhooks(client, other)["attempts"] == []
        assert client.post(f"/tasks/{task_id}/webhooks/resend").json()["webhook_status"] == "pending"
        assert {receiver.next().record["task_id"], receiver.next().record["task_id"]} == {task_id, other}
        assert statuses(once(client, task_id, "delivered")) == [status, 200]


def test_the_pause_of_an_often_retried_message_holds_up_no_other(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(*LOCAL, "--webhook-retry-seconds", "1").url)
    with Receiver(500, 500, 500, (429, "Retry-After", "1")) as receiver:
        often = client.draw(webhook_url=receiver.url)["task_id"]
        assert [receiver.next().status for _ in range(4)] == [500, 500, 500, 429]
        wait_for(lambda: len(webhooks(client, often)["attempts"]) == 4, "the try to be noted")
        later = client.draw(webhook_url=receiver.url)["task_id"]
        # The receiver asked for one second; the pause of the first message is 27 s, give or take a quarter.
        wait_for(lambda: webhooks(client, later)["webhook_status"] == "delivered", "the other message", 15)
        assert receiver.next().record["task_id"] == later


def test_a_receiver_that_is_gone_is_left_alone(client: Client) -> None:
    with Receiver(410) as receiver:
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        state = once(client, task_id, "failed")
        assert statuses(state) == [410] and state["next_attempt_mills"] == -1
        assert receiver.next().status == 410
        client.post(f"/tasks/{task_id}/webhooks/resend")
        assert verified(receiver.next())["task_id"] == task_id
        assert statuses(once(client, task_id, "delivered")) == [410, 200]


def test_redirects_are_not_followed(client: Client, receiver: Receiver) -> None:
    with Receiver((302, "Location", receiver.url)) as other:
        task_id = client.draw(webhook_url=other.url)["task_id"]
        state = once(client, task_id, "delivered")
        assert statuses(state) == [302, 200] and "redirect" in state["attempts"][0]["error"]
    assert receiver.none_left()


def test_what_was_delivered_can_be_sent_again(client: Client, receiver: Receiver) -> None:
    task_id = client.draw(webhook_url=receiver.url)["task_id"]
    first = receiver.next()
    once(client, task_id, "delivered")
    client.post(f"/tasks/{task_id}/webhooks/resend")
    second = receiver.next()
    assert verified(first) == verified(second) and first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.parametrize("answer", [200, (429, "Retry-After", "3600"), 410])
def test_what_is_sent_again_while_it_is_delivered_is_sent_again(client: Client, answer: Any) -> None:
    with Receiver(answer) as receiver:
        receiver.hold()
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        first = receiver.next()
        assert client.post(f"/tasks/{task_id}/webhooks/resend").json()["webhook_status"] == "pending"
        receiver.release()
        assert verified(receiver.next()) == verified(first)
        assert statuses(once(client, task_id, "delivered")) == [first.status, 200]


def test_a_slow_receiver_delays_nobody_else(client: Client, receiver: Receiver) -> None:
    with Receiver() as slow:
        slow.hold()
        waiting = [client.draw(webhook_url=slow.url)["task_id"] for _ in range(3)]
        assert slow.next().record["task_id"] == waiting[0]
        quick = client.draw(webhook_url=receiver.url)["task_id"]
        assert verified(receiver.next())["task_id"] == quick
        assert slow.none_left(), "more than one at a time went to a receiver"
        slow.release()
        assert [slow.next().record["task_id"] for _ in range(2)] == waiting[1:]


def test_a_receiver_that_never_answers_is_left(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(*QUICKLY, "--webhook-timeout", "0.3").url)
    with Receiver() as receiver:
        receiver.hold()
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        wait_for(lambda: webhooks(client, task_id)["attempts"], "the first try to be given up")
        assert webhooks(client, task_id)["attempts"][0]["error"] == "takes longer than 0.3 s"
        receiver.release()
        once(client, task_id, "delivered")
