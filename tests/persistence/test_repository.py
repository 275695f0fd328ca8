"""Records of the repository, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.batches import batches
from fooocus_api.tests.support.databases.databases import Place, image, inserted, row
from fooocus_api.tests.support.databases.tasks_in_rows import ENDED, UNFINISHED, assert_tally_is_right


def get(repository: Repository, task_id: str) -> dict[str, Any]:
    found = repository.read(lambda: repository.get(task_id))
    assert found is not None
    return found


def test_a_record_is_found_as_it_was_given(repository: Repository) -> None:
    given = row(
        downloads=[{"url": "https://example.org/a", "path": "/models/a"}],
        images=[image("2026-01-01/a.png"), image("2026-01-01/b.webp", seed=None, width=None, kept=False)],
        error={"type": "ValueError", "message": "no"},
        notes={"ignored_fields": [{"path": "steps", "use": "overwrite_step"}]},
        status="failed",
        webhook_url="https://example.org/hook",
        idempotency_key="key",
        fingerprint="f" * 64,
    )
    (task_id,) = inserted(repository, given)
    found = get(repository, task_id)
    assert {**found, "tags": given["tags"]} == {**given, "id": 1, "rank": 1}
    assert repository.read(lambda: repository.with_idempotency_key("key")) == found
    assert repository.read(lambda: repository.get("0" * 32)) is None
    assert repository.read(lambda: repository.with_idempotency_key("another")) is None


def test_an_id_with_a_zero_byte_is_that_of_no_task_and_of_no_batch(repository: Repository) -> None:
    inserted(repository, row())
    assert repository.read(lambda: repository.get("a\0b")) is None
    assert repository.read(lambda: repository.with_idempotency_key("a\0b")) is None
    assert repository.read(lambda: batches.one("a\0b")) is None


@pytest.mark.parametrize(
    "text",
    [
        "NUL \x00 in it",
        "emoji 🐈‍⬛ and 中文",
        "half \ud83d a character",
        "\udc80\x00",
        "\\u0000 \\ \" ' %s ? %",
        "\u2028\u0085",
    ],
    ids=ascii,
)
def test_any_text_is_kept_as_it_is(repository: Repository, text: str) -> None:
    given = row(
        parameters={"prompt": text, "base_model_name": text, text: [text, None, 1.5, {"deep": text}]},
        images=[image("a.png", metadata={text: text})],
        error={"type": text, "message": text},
        title=text,
    )
    (task_id,) = inserted(repository, given)
    found = get(repository, task_id)
    assert found["parameters"] == given["parameters"]
    assert found["images"][0]["metadata"] == {text: text} and found["error"] == given["error"]
    written = repository.write(lambda: repository.update(task_id, {"title": text, "error": {"type": text}}))
    assert written.result(60) and get(repository, task_id)["error"] == {"type": text}


def test_a_change_goes_to_its_task_only(repository: Repository, place: Place) -> None:
    first, second = inserted(repository, row(), row())
    images = [image("a.png"), image("b.png")]
    values = {"status": "running", "progress": 40, "title": "Sampling", "images": images}
    assert repository.write(lambda: repository.update(first, values)).result(60)
    found = get(repository, first)
    assert {key: found[key] for key in values} == values
    assert get(repository, second)["status"] == "pending" and get(repository, second)["images"] == []
    assert repository.write(lambda: repository.update(first, {"images": images[:1]})).result(60)
    assert get(repository, first)["images"] == images[:1]
    assert not repository.write(lambda: repository.update("0" * 32, values)).result(60)
    assert_tally_is_right(place)


@pytest.mark.parametrize("status", ENDED)
def test_the_first_end_wins(repository: Repository, place: Place, status: str) -> None:
    (task_id,) = inserted(repository, row(status=status))
    for other in (*UNFINISHED, *ENDED):
        change = partial(repository.update, task_id, {"status": other, "images": [image("a.png")]}, unless=ENDED)
        assert not repository.write(change).result(60)
    assert get(repository, task_id)["status"] == status and get(repository, task_id)["images"] == []
    assert_tally_is_right(place)


def test_no_record_lists_an_image_twice(repository: Repository) -> None:
    (task_id,) = inserted(repository, row(images=[image("a.png")]))
    twice = {"status": "finished", "images": [image("b.png"), image("b.png")]}
    with pytest.raises(Exception, match=r"(?i)unique"):
        repository.write(lambda: repository.update(task_id, twice)).result(60)
    found = get(repository, task_id)
    assert found["status"] == "pending" and [item["path"] for item in found["images"]] == ["a.png"]


def test_inputs_are_in_use_while_a_record_points_to_them(repository: Repository) -> None:
    first, second = inserted(repository, row(), row(), inputs=["a.png", "b.png", "a.png"])
    repository.write(lambda: repository.add_inputs(second, {"x": "inputs/c.png"}, ["c.png", "a.png"])).result(60)
    repository.write(lambda: repository.add_inputs("0" * 32, {}, ["d.png"])).result(60)

    def in_use() -> set[str]:
        return repository.read(lambda: repository.inputs_in_use(["a.png", "c.png", "d.png"]))

    assert in_use() == {"a.png", "c.png"} and get(repository, second)["parameters"] == {"x": "inputs/c.png"}
    repository.write(lambda: repository.delete(second)).result(60)
    assert in_use() == {"a.png"}
    repository.write(lambda: repository.delete(first)).result(60)
    assert in_use() == set()


def test_with_a_task_goes_all_that_belongs_to_it(repository: Repository, place: Place) -> None:
    first, second = inserted(
        repository,
        row(status="finished", images=[image("a.png"), image("b.png")]),
        row(status="finished", images=[image("b.png")]),
        inputs=["c.png"],
    )
    assert repository.write(lambda: repository.delete(first)).result(60)
    assert not repository.write(lambda: repository.delete(first)).result(60)
    assert repository.read(lambda: repository.recorded(["a.png", "b.png"])) == {"b.png"}
    for table in ("task", "task_parameters", "task_image", "task_input"):
        assert place.execute(f"SELECT count(*) FROM {table}") == [(1,)]
    assert_tally_is_right(place)
    assert get(repository, second)["images"] == [image("b.png")]


def test_unfinished_tasks_come_in_the_order_in_which_they_are_to_be_drawn(repository: Repository) -> None:
    first, second, third, _, moved = inserted(
        repository, row(status="running"), row(), row(), row(status="stopped"), row()
    )
    repository.write(lambda: repository.update(moved, {"rank": repository.lowest_rank(UNFINISHED) - 1})).result(60)
    repository.write(lambda: repository.update(third, {"rank": repository.lowest_rank(UNFINISHED) - 1})).result(60)
    found = repository.read(lambda: repository.in_order(UNFINISHED))
    assert [values["task_id"] for values in found] == [third, moved, first, second]


def test_a_key_stands_for_one_task(repository: Repository) -> None:
    inserted(repository, row(idempotency_key="key"), row(), row())
    with pytest.raises(Exception, match=r"(?i)unique"):
        inserted(repository, row(idempotency_key="key"))


def test_many_writers_at_once(repository: Repository, place: Place) -> None:
    """Commit them in groups; one that fails leaves the others alone."""
    rows = [row(prompt=f"number {number}") for number in range(600)]
    rows[300]["task_id"] = rows[0]["task_id"]

    def write(values: dict[str, Any]) -> str:
        try:
            return f"row {repository.write(lambda: repository.insert(values)).result(60)}"
        except Exception as error:
            return type(error).__name__

    def broken() -> None:
        repository.insert(row(prompt="half done"))
        raise KeyError("its own fault")

    with ThreadPoolExecutor(20) as clients:
        outcomes = clients.map(write, rows)
        failing = [repository.write(broken) for _ in range(20)]
    counted = Counter(outcome.split()[0] for outcome in outcomes)
    assert counted == {"row": 599, "IntegrityError": 1}
    assert all(isinstance(future.exception(60), KeyError) for future in failing)
    assert place.execute("SELECT count(*) FROM task") == [(599,)]
    assert repository.problem is None
    assert_tally_is_right(place)


def test_who_goes_away_takes_no_change_along(repository: Repository) -> None:
    values = row()
    assert not repository.write(lambda: repository.insert(values)).cancel()
    inserted(repository, row())
    assert get(repository, values["task_id"])["id"] == 1
