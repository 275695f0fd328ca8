"""Hosts with `--api-db`: a history on PostgreSQL, an outage of its server, and a database that is missing."""

from __future__ import annotations

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, wait_for, without_repeats
from fooocus_api.tests.support.databases.databases import PostgresPlace
from fooocus_api.tests.support.databases.postgres import PASSWORD, PostgresServer
from fooocus_api.tests.support.host import free_port


def test_a_history_in_postgresql_survives_the_host(demo_factory: DemoFactory, postgres: PostgresServer) -> None:
    place = PostgresPlace(postgres)
    host = demo_factory("--api-db", place.location, step_ms=100)
    client = Client(host.url)
    drawn = client.draw(prompt="一只猫 \x00")
    caught = client.submit(prompt="caught", overwrite_step=20)
    waiting = client.submit(prompt="waits")
    running = [(caught["task_id"],)]
    wait_for(lambda: place.execute("SELECT task_id FROM task WHERE status = 'running'") == running, "its row to run")
    host.kill()
    host.start()
    ended = [client.ended(item["task_id"]) for item in (drawn, caught, waiting)]
    assert [(record["task_status"], record["attempts"]) for record in ended] == [
        ("finished", 1),
        ("finished", 2),
        ("finished", 1),
    ]
    assert without_repeats(ended[0]) == drawn and ended[1]["start_mills"] < ended[2]["start_mills"]
    history = client.get("/tasks", params={"query": "history", "prompt": "猫"})
    assert history.json()["history"] == [drawn] and history.headers["X-Total-History"] == "1"
    assert client.get("/tasks").headers["X-Total-Count"] == "3"
    assert len(host.images()) == 3
    assert client.request("DELETE", f"/tasks/{drawn['task_id']}").status_code == 204
    assert client.get(f"/tasks/{drawn['task_id']}").status_code == 404
    assert len(host.images()) == 2 and place.execute("SELECT count(*) FROM task_image") == [(2,)]
    assert not list(host.outputs.glob(".fooocus_api/*.sqlite3"))


def test_an_outage_is_said_and_loses_nothing(demo_factory: DemoFactory, postgres: PostgresServer) -> None:
    place = PostgresPlace(postgres)
    client = Client(demo_factory("--api-db", place.location, step_ms=100).url)
    running = client.submit(overwrite_step=10)["task_id"]
    client.until(running, "running")
    with place.unwritable():
        refused = client.generate()
        assert refused.status_code == 503 and "can't be written" in refused.json()["detail"]
        listed = client.get("/tasks", params={"query": "history"})
        assert listed.status_code == 503 and "can't be read" in listed.json()["detail"]
        assert client.task(running)["task_status"] == "running"
        client.has_tasks(running=0)  # it has ended in memory, and is reported once the row is written
    assert client.ended(running)["task_status"] == "finished"
    assert client.draw()["task_status"] == "finished"
    assert place.execute("SELECT status, count(*) FROM task GROUP BY status") == [("finished", 2)]


def test_a_database_that_is_not_there_leaves_the_webui_as_it_was(demo_factory: DemoFactory) -> None:
    host = demo_factory("--api-db", f"postgresql://fooocus:{PASSWORD}@127.0.0.1:{free_port()}/history")
    client = Client(host.url)
    assert "gradio" in client.get("/").text
    info = client.get("/v1/info").json()
    assert info["supported"] is False and "127.0.0.1" in info["problem"] and "refused" in info["problem"]
    answers = [
        client.generate(),
        client.get("/tasks"),
        client.get(f"/tasks/{'0' * 32}"),
        client.post("/v1/engine/control/", params={"action": "stop"}),
    ]
    for answer in answers:
        assert answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "api_unavailable" and "127.0.0.1" in answer.json()["detail"]
    said = host.log() + client.get("/v1/info").text + "".join(answer.text for answer in answers)
    assert "The WebUI is not affected" in said and "s3cret" not in said
