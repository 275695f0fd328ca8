"""Changes to tasks. Functions for `Repository.write`, which runs each atomically on the writer's thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from peewee import chunked

from ..encoding import encoded
from ..tables import ImageRow, InputRow, ParametersRow, TagRow, TaskRow, shard
from . import daily_counts, search_sets
from .cluster.insertion import insert_with_content
from .prepared import PreparedStatement, param

ROWS_AT_ONCE = 50
"""Rows in one statement: some SQLite versions take no more than 999 values."""

_FOUND = PreparedStatement(
    lambda: TaskRow.select(TaskRow.id, TaskRow.status, TaskRow.queued_at).where(TaskRow.task_id == param("task_id"))
)
_HELD = PreparedStatement(
    lambda: (
        TaskRow.select(TaskRow.id, TaskRow.status, TaskRow.queued_at)
        .where(TaskRow.task_id == param("task_id"))
        .for_update()
    )
)
_DELETE_IMAGES = PreparedStatement(lambda: ImageRow.delete().where(ImageRow.task == param("row_id")))
_ADD_IMAGE = PreparedStatement(
    lambda: ImageRow.insert({field: param(field.name) for field in ImageRow._meta.sorted_fields})
)


@cache
def _update(columns: tuple[str, ...]) -> PreparedStatement:
    return PreparedStatement(
        lambda: TaskRow.update({column: param(column) for column in columns}).where(TaskRow.id == param("row_id"))
    )


def insert(row: dict[str, Any], inputs: Iterable[str] = ()) -> int:
    """Add a task with its images, its tags and the file names of its inputs. Return its row id."""
    values = {**row}
    images, tags = values.pop("images", []), values.pop("tags", [])
    content = {name: values.pop(name) for name in ("parameters", "downloads")}
    if shard.is_one_of_several and values.get("rank", -1) < 0:
        row_id = insert_with_content({name: values[name] for name in values if name != "rank"}, content)
    else:
        row_id = int(TaskRow.insert(encoded(values)).execute())
        if values.get("rank", -1) < 0:
            _update(("rank",)).run(row_id=row_id, rank=row_id)
        ParametersRow.insert(task=row_id, **encoded(content)).execute()
    for file_name in set(inputs):
        InputRow.insert(task=row_id, file_name=file_name).execute()
    for tag in tags:
        TagRow.insert(encoded({"task": row_id, "tag": tag, "queued_at": values["queued_at"]})).execute()
    _add_images(row_id, images)
    daily_counts.add(values["status"], values["queued_at"], 1)
    return row_id


def insert_ended(rows: Sequence[tuple[dict[str, Any], Iterable[str]]]) -> None:
    """Add many ended tasks, each with its inputs, in a tenth of the statements that `insert` takes."""
    tasks, contents, images, inputs, tags = [], {}, [], [], []
    for row, file_names in rows:
        values = {**row}
        task_id = values["task_id"]
        images += [
            (task_id, {**encoded(image), "position": position}) for position, image in enumerate(values.pop("images"))
        ]
        contents[task_id] = encoded({name: values.pop(name) for name in ("parameters", "downloads")})
        inputs += [(task_id, {"file_name": file_name}) for file_name in set(file_names)]
        tags += [(task_id, encoded({"tag": tag, "queued_at": values["queued_at"]})) for tag in values.pop("tags", [])]
        tasks.append(encoded(values))
    for part in chunked(tasks, ROWS_AT_ONCE):
        TaskRow.insert_many(part).execute()
    found = TaskRow.select(TaskRow.task_id, TaskRow.id).where(TaskRow.task_id.in_(list(contents))).tuples()
    ids: dict[str, int] = dict(found)
    for table, belonging in (
        (ParametersRow, contents.items()),
        (ImageRow, images),
        (InputRow, inputs),
        (TagRow, tags),
    ):
        for part in chunked(({**values, "task": ids[task_id]} for task_id, values in belonging), ROWS_AT_ONCE):
            table.insert_many(part).execute()
    for (status, day), number in Counter(
        (task["status"], task["queued_at"] // daily_counts.DAY_MS) for task in tasks
    ).items():
        daily_counts.add(status, day * daily_counts.DAY_MS, number)


def update(task_id: str, values: dict[str, Any], *, unless: Sequence[str] = ()) -> bool:
    """Change columns of a task, and its images if given. Return False if the task does not exist, or has a status in `unless`."""
    found = _found(task_id)
    if found is None or found[1] in unless:
        return False
    row_id, status, queued_at = found
    columns = {**values}
    images = columns.pop("images", None)
    if columns:
        _update(tuple(columns)).run(row_id=row_id, **encoded(columns))
    if images is not None:
        _DELETE_IMAGES.run(row_id=row_id)
        _add_images(row_id, images)
    if columns.get("status", status) != status:
        daily_counts.move(status, columns["status"], queued_at)
    return True


def add_inputs(task_id: str, parameters: dict[str, Any], inputs: Iterable[str]) -> None:
    """Add inputs that became known after the task, and replace its parameters."""
    row_id = TaskRow.select(TaskRow.id).where(TaskRow.task_id == task_id).scalar()
    if row_id is not None:
        ParametersRow.update(encoded({"parameters": parameters})).where(ParametersRow.task == row_id).execute()
        for file_name in set(inputs):
            InputRow.insert(task=row_id, file_name=file_name).on_conflict_ignore().execute()


def delete(task_id: str) -> bool:
    """Delete a task and all its rows. Return False if it does not exist."""
    found = _found(task_id)
    if found is None:
        return False
    row_id, status, queued_at = found
    TaskRow.delete().where(TaskRow.id == row_id).execute()
    search_sets.forget(row_id)
    daily_counts.add(status, queued_at, -1)
    return True


def _found(task_id: str) -> tuple[int, str, int] | None:
    """Return the task's row id, its status and its time. No other process changes it until the end of the transaction."""
    statement = _HELD if shard.is_one_of_several else _FOUND
    found: tuple[int, str, int] | None = statement.run(task_id=task_id).fetchone()
    return found


def _add_images(row_id: int, images: Iterable[dict[str, Any]]) -> None:
    for position, image in enumerate(images):
        _ADD_IMAGE.run(**encoded(image), task=row_id, position=position)
