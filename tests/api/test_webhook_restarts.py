"""Webhooks over restarts of Fooocus, and the launch flags that configure them."""

from __future__ import annotations

import argparse
import base64
import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from fooocus_api.adapters.startup.launch_flags import add_flags
from fooocus_api.tests.support.api_calls.batches import quick, send_lines
from fooocus_api.tests.support.client import Client, wait_for, without_repeats
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import LOCAL, QUICKLY, SECRET, once, statuses, verified, webhooks

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser


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
        assert verified(second) == verified(first) == without_repeats(client.task(task_id))
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
        assert told == without_repeats(client.task(task_id))


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
        assert verified(told) == without_repeats(client.task(drawn["task_id"])) and drawn["webhook_url"] == ""
        assert told.path == "/hook/secret" and told.headers["authorization"].startswith("Basic ")
        state = once(client, drawn["task_id"], "delivered")
        assert state["webhook_url"] == f"http://127.0.0.1:{everything.port}/…"

        client.draw(webhook_url=own.url)
        own.next()

        browser.open(host.url).quick(steps=2).generate("clicked")
        clicked = verified(everything.next())
        assert clicked["source"] == "webui" and clicked["task_status"] == "finished"
        assert (
            clicked == without_repeats(client.task(clicked["task_id"]))
            and client.get(clicked["result"][0]).status_code == 200
        )

        browser.finished()
        browser.number(60, "Forced Overwrite of Sampling Step", "Steps")
        browser.generate("interrupted")
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


def test_the_flags_receiver_gets_no_address_that_a_client_chose(demo_factory: DemoFactory) -> None:
    other = "http://files.example/"
    with Receiver() as everything, Receiver() as own:
        host = demo_factory(*QUICKLY, "--listen", "0.0.0.0", "--webhook-url", everything.url)
        client = Client(host.url)
        client.session.headers["Host"] = "files.example"
        assert client.draw()["result"][0].startswith(other)
        assert verified(everything.next())["result"][0].startswith(f"{host.url}/outputs/")
        client.draw(webhook_url=own.url)
        assert verified(own.next())["result"][0].startswith(other)
        assert send_lines(client, quick(1)).json()["results_url"].startswith(other)
        assert verified(everything.next())["results_url"].startswith(f"{host.url}/v1/batches/")
        assert send_lines(client, quick(1), webhook_url=own.url).status_code == 202
        assert verified(own.next())["results_url"].startswith(other)


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
