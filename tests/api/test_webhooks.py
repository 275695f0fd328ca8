"""Webhooks for finished tasks: signed, delivered at least once, despite failures of the receiver or of Fooocus."""

from __future__ import annotations

import argparse
import base64
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from fooocus_api.adapters.startup.launch_flags import add_flags
from fooocus_api.tests.api.test_failures import DOOMED, Doomed
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.webhook_receiver import Delivery, Receiver

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browser import Browser

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
LOCAL = ("--allow-private-urls", "127.0.0.0/8")
QUICKLY = (*LOCAL, "--webhook-secret", SECRET, "--webhook-retry-seconds", "0.05")


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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def webhooks(client: Client, task_id: str) -> dict[str, Any]:
    response = client.get(f"/tasks/{task_id}/webhooks")
    assert response.status_code == 200, response.text
    return response.json()


def once(client: Client, task_id: str, status: str) -> dict[str, Any]:
    """Wait until the task's webhook has this status and return its state: it is stored a moment after the receiver's answer."""

    def look() -> dict[str, Any] | None:
        state = webhooks(client, task_id)
        return state if state["webhook_status"] == status else None

    return wait_for(look, f"the webhook of {task_id} to be {status}")


def statuses(state: dict[str, Any]) -> list[int | None]:
    return [attempt["status"] for attempt in state["attempts"]]


def verified(delivery: Delivery) -> dict[str, Any]:
    """Verify a delivery and return its record, as a receiver does."""
    return Webhook(SECRET).verify(delivery.body, delivery.headers)


# ----------------------------------------------------------------------- payloads


def test_a_finished_task_is_told_as_its_record(client: Client, receiver: Receiver) -> None:
    record = client.draw(webhook_url=receiver.url, prompt="a lighthouse 灯塔", require_base64=True)
    delivery = receiver.next()
    assert record["webhook_url"] == receiver.url and delivery.path == "/hook"
    assert verified(delivery) == client.task(record["task_id"])
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


# --------------------------------------------------------------- restarts of Fooocus


def test_what_was_not_delivered_is_after_a_kill(demo_factory: DemoFactory) -> None:
    host = demo_factory(*QUICKLY, step_ms=50)
    client, receiver = Client(host.url), Receiver()
    stopped = client.submit(webhook_url=receiver.url, overwrite_step=60)["task_id"]
    finished = client.submit(webhook_url=receiver.url)["task_id"]
    client.until(stopped, "running")
    client.post(f"/tasks/{stopped}/stop")
    ended = {task_id: client.ended(task_id)["task_status"] for task_id in (stopped, finished)}
    assert set(ended.values()) == {"stopped", "finished"}
    host.kill()
    with receiver:
        host.start()
        told = [verified(receiver.next()) for _ in ended]
        assert {record["task_id"]: record["task_status"] for record in told} == ended
        assert all(client.get(url).status_code == 200 for record in told for url in record["result"])


def test_what_was_being_delivered_at_a_kill_is_delivered_again(demo_factory: DemoFactory) -> None:
    host = demo_factory(*QUICKLY)
    client = Client(host.url)
    with Receiver() as receiver:
        receiver.hold()
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        first = receiver.next()
        host.kill()
        receiver.release()
        host.start()
        second = receiver.next()
        assert verified(second) == verified(first) == client.task(task_id)
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert statuses(once(client, task_id, "delivered")) == [200]


def test_a_task_on_which_fooocus_died_twice_is_told(demo_factory: DemoFactory) -> None:
    host = demo_factory(*QUICKLY, step_ms=200)
    client = Client(host.url)
    with Receiver() as receiver:
        task_id = client.submit(webhook_url=receiver.url, overwrite_step=60)["task_id"]
        for _ in range(2):
            wait_for(lambda: host.status_on_disk(task_id) == "running", "the task to be drawn")
            host.kill()
            host.start()
        told = verified(receiver.next())
        assert told["task_status"] == "failed" and told["error"]["type"] == "Crashed"
        assert told == client.task(task_id)


def test_a_clean_end_does_not_wait_for_receivers(demo_factory: DemoFactory) -> None:
    host = demo_factory(*QUICKLY, "--webhook-timeout", "600")
    client = Client(host.url)
    with Receiver() as receiver:
        receiver.hold()
        task_id = client.draw(webhook_url=receiver.url)["task_id"]
        receiver.next()
        assert host.stop() != -9, "it had to be killed"
        receiver.release()
        host.start()
        assert verified(receiver.next())["task_id"] == task_id


def test_a_deleted_task_is_told_to_nobody(demo_factory: DemoFactory) -> None:
    host = demo_factory(*QUICKLY)
    client, receiver = Client(host.url), Receiver()
    task_id = client.draw(webhook_url=receiver.url)["task_id"]
    wait_for(lambda: webhooks(client, task_id)["attempts"], "a try")
    assert client.request("DELETE", f"/tasks/{task_id}").status_code == 204
    assert client.get(f"/tasks/{task_id}/webhooks").status_code == 404
    with receiver:
        kept = client.draw(webhook_url=receiver.url)["task_id"]
        assert verified(receiver.next())["task_id"] == kept
        once(client, kept, "delivered")
    database = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("select count(*) from webhook").fetchone() == (1,)
        assert connection.execute("select count(*) from webhook_attempt").fetchone() == (1,)


# ------------------------------------------------------------------ the launch flags


def test_the_flags_receiver_is_told_of_every_task(demo_factory: DemoFactory, browser: Browser) -> None:
    """Include tasks of the WebUI, also if Fooocus crashes during them, but not those whose request has its own webhook."""
    with Receiver() as everything, Receiver() as own:
        url = everything.url.replace("http://", "http://user:token@") + "/secret"
        host = demo_factory(*QUICKLY, "--webhook-url", url, step_ms=50)
        client = Client(host.url)
        drawn = client.draw()
        told = everything.next()
        assert verified(told) == client.task(drawn["task_id"]) and drawn["webhook_url"] == ""
        assert told.path == "/hook/secret" and told.headers["authorization"].startswith("Basic ")
        state = once(client, drawn["task_id"], "delivered")
        assert state["webhook_url"] == f"http://127.0.0.1:{everything.port}/…"

        client.draw(webhook_url=own.url)
        own.next()

        browser.open(host.url).quick(steps=2).generate("clicked")
        clicked = verified(everything.next())
        assert clicked["source"] == "webui" and clicked["task_status"] == "finished"
        assert clicked == client.task(clicked["task_id"]) and client.get(clicked["result"][0]).status_code == 200

        browser.open(host.url).quick(steps=60).generate("interrupted")
        client.has_tasks(running=1)
        host.kill()
        host.start()
        assert verified(everything.next())["task_status"] == "interrupted"
        assert everything.none_left() and own.none_left()


def test_base_url_is_what_the_records_urls_begin_with(demo_factory: DemoFactory) -> None:
    with Receiver() as receiver:
        host = demo_factory(*LOCAL, "--base-url", "https://draw.example", "--webhook-url", receiver.url)
        Client(host.url).draw()
        delivery = receiver.next()
        assert delivery.record["result"][0].startswith("https://draw.example/outputs/")
        assert "webhook-signature" not in delivery.headers


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--webhook-secret", "hunter2"),
        ("--webhook-secret", "whsec_"),
        ("--webhook-secret", "whsec_hunter2!"),
        ("--webhook-secret", SECRET.removeprefix("whsec_")),
        ("--webhook-secret", "whsec_" + base64.b64encode(b"too short hunter2").decode()),
        ("--webhook-secret", "whsec_" + base64.b64encode(bytes(65)).decode()),
        ("--webhook-url", "example.com/hunter2"),
        ("--webhook-url", "ftp://example.com/hunter2"),
        ("--webhook-retry-seconds", "0"),
        ("--webhook-timeout", "-1"),
    ],
)
def test_what_is_malformed_is_refused_and_not_repeated(
    flag: str, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*arguments: str) -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
        return parser.parse_args(arguments)

    with pytest.raises(SystemExit):
        parse(f"{flag}={text}")
    said = capsys.readouterr().err
    assert flag in said and "hunter2" not in said
    if flag == "--webhook-secret":
        monkeypatch.setenv("WEBHOOK_SECRET", text)
        with pytest.raises(SystemExit):
            parse()
        monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
        assert parse().webhook_secret == bytes(range(32))
