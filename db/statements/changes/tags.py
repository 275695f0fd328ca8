"""Changes to the tags of tasks. Run by the repository's `write`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ...encoding import encoded
from ...tables import ParametersRow, TagRow, TaskRow, shard
from ..cluster.notices import notify_others


def change_tags(task_id: str, change: Callable[[Sequence[str]], Sequence[str]]) -> list[str] | None:
    """Replace the tags of a task by those that `change` makes of them, and return them; None without such a task.

    An exception of `change` leaves them as they are.
    """
    query = TaskRow.select(TaskRow.id, TaskRow.queued_at).where(TaskRow.task_id == task_id)
    if shard.is_one_of_several:
        query = query.for_update()  # another process's change comes before or after this one
    found = query.tuples().first()
    if found is None:
        return None
    row_id, queued_at = found
    stored = ParametersRow.select(ParametersRow.parameters).where(ParametersRow.task == row_id).scalar()
    parameters = json.loads(stored or "{}")
    before = parameters.get("tags")
    tags = list(change(before if isinstance(before, list) else []))
    if tags == before or (not tags and not before):
        return tags
    parameters["tags"] = tags
    ParametersRow.update(encoded({"parameters": parameters})).where(ParametersRow.task == row_id).execute()
    TagRow.delete().where(TagRow.task == row_id).execute()
    for tag in dict.fromkeys(tags):
        TagRow.insert(encoded({"task": row_id, "tag": tag, "queued_at": queued_at})).execute()
    notify_others({"task": task_id, "retagged": True})
    return tags
