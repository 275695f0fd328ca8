"""The outbox in the database, its dispatcher per receiver, and the retries."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from fooocus_api.db import migrations
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.outbox import Attempt, Message
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.tasks.model import rows
from fooocus_api.tasks.model.task import Task, new_task_id, now_ms
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.webhooks import dispatcher
from fooocus_api.tasks.webhooks.deliveries import DAY_MS, next_step
from fooocus_api.tasks.webhooks.delivery import Webhooks, WebhookSettings, receiver_of
from fooocus_api.tasks.webhooks.dispatcher import MAX_IN_FLIGHT, PerReceiverDispatcher
from fooocus_api.tasks.webhooks.signing import retry_after, sign


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    repository = Repository(tmp_path / "tasks.sqlite3")
    yield repository
    repository.close()


def insert(repository: Repository, task: Task) -> Task:
    repository.write(lambda: repository.insert(rows.to_row(task, Workload()))).result()
    return task


def posted(repository: Repository, receiver: str = "example.com", due_at: int = 1) -> str:
    """Return the id of a task whose message is due then."""
    task = insert(repository, Task(new_task_id(), "api", {}))
    outbox = repository.outbox

    def post() -> None:
        outbox.add(task.task_id, f"http://{receiver}/", receiver, "http://here")
        assert outbox.post(task.task_id, due_at) == receiver

    repository.write(post).result()
    return task.task_id


def message_of(repository: Repository, task_id: str) -> Message:
    found = repository.read(lambda: repository.outbox.of(task_id))
    assert found is not None
    return found[0]


# --------------------------------------------------------------------- the database


def test_a_history_of_schema_2_gets_its_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tasks.sqlite3"
    with monkeypatch.context() as before:
        before.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:2])
        old = Repository(path)
        task = insert(old, Task(new_task_id(), "api", {"prompt": "from before"}, webhook_url="http://example.com"))
        old.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select version from schema_version").fetchone() == (2,)
        assert not connection.execute("select * from sqlite_master where name like 'webhook%'").fetchall()
    new = Repository(path)
    kept = new.read(lambda: new.get(task.task_id))
    assert kept is not None and rows.from_row(kept).parameters == {"prompt": "from before"}
    assert new.read(lambda: new.outbox.of(task.task_id)) is None
    assert new.read(lambda: new.outbox.of(posted(new))) is not None
    new.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select version from schema_version").fetchone() == (len(migrations.MIGRATIONS),)
    assert list(tmp_path.glob("tasks.schema2-*.sqlite3"))


def test_the_first_due_is_the_first_out_of_each_receivers(repository: Repository) -> None:
    later, sooner = (posted(repository, due_at=due_at) for due_at in (20, 10))
    posted(repository, "elsewhere.example", due_at=5)
    insert(repository, Task(new_task_id(), "api", {}))
    outbox = repository.outbox
    assert repository.read(outbox.due) == {"example.com": 10, "elsewhere.example": 5}
    first, second = (message_of(repository, task_id) for task_id in (sooner, later))
    assert first == Message(sooner, "http://example.com/", "http://here", "pending", 10, 10, 0)
    assert repository.read(lambda: outbox.next_for("example.com")) == first
    repository.write(lambda: outbox.record_attempt(first, Attempt(10, 3, 500), "pending", 30)).result()
    repository.write(lambda: outbox.record_attempt(second, Attempt(20, 3, None, "no\0answer"), "pending", 40)).result()
    assert repository.read(lambda: outbox.due_for("example.com")) == 30
    repository.write(lambda: outbox.record_attempt(first, Attempt(30, 4, 204), "delivered", -1)).result()
    assert repository.read(lambda: outbox.due_for("example.com")) == 40
    found = repository.read(lambda: outbox.of(sooner))
    assert found is not None and found[0].tries == 2 and found[0].state == "delivered"
    assert found[1] == [Attempt(10, 3, 500), Attempt(30, 4, 204)]
    repository.write(lambda: outbox.record_attempt(second, Attempt(40, 4, 410), "failed", -1)).result()
    assert repository.read(lambda: outbox.next_for("example.com")) is None
    assert repository.read(lambda: outbox.due_for("example.com")) is None
    found = repository.read(lambda: outbox.of(later))
    assert found is not None and found[1][0].error == "no answer"  # PostgreSQL refuses NUL in a text


def test_what_is_posted_again_during_a_try_stays_due_also_within_one_millisecond(repository: Repository) -> None:
    task_id, outbox = posted(repository, due_at=10), repository.outbox
    tried = message_of(repository, task_id)
    repository.write(lambda: outbox.post(task_id, 10)).result()
    repository.write(lambda: outbox.record_attempt(tried, Attempt(10, 3, 200), "delivered", -1)).result()
    again = message_of(repository, task_id)
    assert (again.state, again.due_at, again.tries) == ("pending", 10, 0) and again.since != tried.since
    repository.write(lambda: outbox.record_attempt(again, Attempt(13, 3, 204), "delivered", -1)).result()
    found = repository.read(lambda: outbox.of(task_id))
    assert found is not None and (found[0].state, found[0].due_at, found[0].tries) == ("delivered", -1, 1)
    assert found[1] == [Attempt(10, 3, 200), Attempt(13, 3, 204)]


def test_it_goes_with_its_task(repository: Repository, tmp_path: Path) -> None:
    task_id = posted(repository)
    message = message_of(repository, task_id)
    repository.write(lambda: repository.outbox.record_attempt(message, Attempt(1, 1, 500), "pending", 9)).result()
    repository.write(lambda: repository.delete(task_id)).result()
    repository.write(lambda: repository.outbox.record_attempt(message, Attempt(2, 1, 200), "delivered", -1)).result()
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite3")) as connection:
        for table in ("webhook", "webhook_attempt"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_it_is_posted_with_its_tasks_end_or_not_at_all(repository: Repository) -> None:
    task = insert(repository, Task(new_task_id(), "webui", {}))
    webhooks = Webhooks(repository, WebhookSettings(url="http://example.com/"), OutboundClient())

    def end() -> None:
        repository.update(task.task_id, {"status": "finished"})
        assert webhooks.ended(task) == ""
        raise RuntimeError

    with pytest.raises(RuntimeError):
        repository.write(end).result()
    row = repository.read(lambda: repository.get(task.task_id))
    assert row is not None and row["status"] == "pending"
    assert repository.read(repository.outbox.due) == {}


# ------------------------------------------------------------------------ the dispatcher


@pytest.fixture
def lanes() -> Iterator[Callable[[Callable[[str], None]], PerReceiverDispatcher]]:
    """Yield a function that makes dispatchers, which are closed at the end."""
    made: list[PerReceiverDispatcher] = []

    def make(work: Callable[[str], None]) -> PerReceiverDispatcher:
        made.append(PerReceiverDispatcher(work))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_lane_has_one_piece_at_once_and_only_so_many_lanes_work(lanes: Any) -> None:
    began: queue.Queue[str] = queue.Queue()
    work = lanes(began.put)
    names = [f"{number:02}" for number in range(MAX_IN_FLIGHT + 1)]
    work.start(dict.fromkeys(names, 1))
    assert sorted(began.get(timeout=30) for _ in range(MAX_IN_FLIGHT)) == names[:-1]
    work.wake("00", 1)
    work.done("01", None)
    assert began.get(timeout=30) == names[-1], "one that works already was begun again"
    work.done("02", None)
    work.done("00", None)  # unaware of the wake since its start
    assert began.get(timeout=30) == "00"
    assert began.empty()


def test_a_pause_is_kept_unless_somebody_wants_it_at_once(lanes: Any) -> None:
    began: queue.Queue[str] = queue.Queue()
    work = lanes(began.put)
    work.start({"paused": 1})
    assert began.get(timeout=30) == "paused"
    work.done("paused", 1, not_before=now_ms() + 3_600_000)
    work.wake("paused", 1)
    work.wake("other", 1)
    assert began.get(timeout=30) == "other" and began.empty()
    work.wake("paused", 1, immediately=True)
    assert began.get(timeout=30) == "paused"
    work.wake("paused", 1, immediately=True)  # during its work, before the pause is set
    work.done("paused", None, not_before=now_ms() + 3_600_000)
    assert began.get(timeout=30) == "paused"
    work.done("paused", 1, not_before=now_ms() + 3_600_000)
    work.wake("other", 1)
    work.done("other", 1)
    assert began.get(timeout=30) == "other" and began.empty()


def test_a_system_that_starts_no_thread_delays_the_work(lanes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []
    start = threading.Thread.start

    def refuse_first(thread: threading.Thread) -> None:
        if thread.name == "fooocus-api-webhook" and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_first)
    monkeypatch.setattr(dispatcher, "THREAD_PAUSE_MS", 1)
    began: queue.Queue[str] = queue.Queue()
    lanes(began.put).start({"example.com": 1})
    assert began.get(timeout=30) == "example.com"
    assert refused


# ------------------------------------------------------------------- retries


def message(tries: int, since: int = 0) -> Message:
    return Message("0" * 32, "http://example.com", "", "pending", 0, since, tries)


def test_pauses_grow_and_end_after_a_day() -> None:
    now = 0
    pauses: list[int] = []
    while True:
        state, due_at = next_step(message(len(pauses)), Attempt(now, 0, 500), 0, 5)
        if state == "failed":
            break
        pauses.append(due_at - now)
        now = due_at
    assert 10 <= len(pauses) <= 18 and DAY_MS / 2 < now <= DAY_MS
    assert 3_750 <= pauses[0] <= 6_250 and pauses[:7] == sorted(pauses[:7])
    assert max(pauses) <= 5 * 3_600_000
    assert len({next_step(message(3), Attempt(0, 0, 500), 0, 5) for _ in range(20)}) > 1, "all at the same moment"


@pytest.mark.parametrize(
    ("attempt", "wanted", "expected"),
    [
        (Attempt(1000, 5, 200), 0, ("delivered", -1)),
        (Attempt(1000, 5, 204), 60, ("delivered", -1)),
        (Attempt(1000, 5, 410), 0, ("failed", -1)),
        (Attempt(1000, 5, 429), 7200, ("pending", 7_201_005)),
        (Attempt(1000, 5, None, "no answer"), 7200, ("pending", 7_201_005)),
        (Attempt(1000, 5, 503), 100_000, ("failed", -1)),
        (Attempt(DAY_MS, 5, 500), 0, ("failed", -1)),
    ],
)
def test_the_next_step(attempt: Attempt, wanted: float, expected: tuple[str, int]) -> None:
    assert next_step(message(0), attempt, wanted, 5) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Wed, 01 Jan 2025 00:02:00 GMT", 120),
        ("Wednesday, 01-Jan-25 00:02:00 GMT", 120),
        ("Tue, 31 Dec 2024 00:00:00 GMT", 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("9" * 400, 9_999_999_999),
        ("Wed, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
    ],
)
def test_both_forms_of_retry_after(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}, datetime(2025, 1, 1, tzinfo=timezone.utc)) == seconds


def test_the_signature_is_the_standards() -> None:
    at, body = datetime(2025, 1, 1, tzinfo=timezone.utc), '{"prompt": "灯塔"}'
    key = bytes(range(32))
    expected = Webhook(key).sign(msg_id="msg_1", timestamp=at, data=body)
    assert sign(key, "msg_1", int(at.timestamp()), body.encode()) == expected


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Example.com/hook?a=b", "example.com"),
        ("http://user:secret@example.com:8080/", "example.com:8080"),
        ("http://[::1]:80/", "[::1]:80"),
        ("", ""),
    ],
)
def test_who_shares_a_lane(url: str, receiver: str) -> None:
    assert receiver_of(url) == receiver
