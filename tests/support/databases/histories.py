"""A history with finished tasks, written by the product's own repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fooocus_api.db.repository import Repository
from fooocus_api.installer.purge import history_of
from fooocus_api.tasks.model import rows
from fooocus_api.tasks.model.task import Image, Task, TaskStatus
from fooocus_api.tasks.model.workload.workload import Workload


def add_to_history(outputs: Path, tasks: Iterable[tuple[int, str, str]]) -> None:
    """Add finished tasks of one image each to the history of an outputs folder.

    Each task is a number, from which its id is made, its source, and the path of its image below the outputs.
    """
    repository = Repository(history_of(outputs) / "tasks.sqlite3")
    for number, source, path in tasks:
        row = rows.to_row(Task(f"{number:032x}", source, {}, TaskStatus.FINISHED, images=[Image(path)]), Workload())
        repository.write(lambda row=row: repository.insert(row)).result()  # type: ignore[misc]
    repository.close()
