"""`extension.py import PATH`: imports the history of FooocusAPI or Fooocus-API."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ...adapters.task_args.workload_fields import workload_of
from ...db.repository import Repository
from ...db.writer import DatabaseUnavailable
from ...images.storage.input_store import InputStore
from ...tasks.model.rows import to_row
from ...tasks.model.task import Task
from ..errors import CommandError
from ..history_location import HistoryLocation
from .old_databases import FOOOCUSAPI, BrokenRow, OldHistory, OldTask
from .row_conversion import SOURCE, FileLocator, task_from

HELP = "Take over the history of FooocusAPI (outputs/db.sqlite3) or Fooocus-API (database.db). Fooocus must not run."
AT_ONCE = 500
"""Tasks per transaction."""
BROKEN_SHOWN = 5


@dataclass
class Report:
    """Counts of imported rows: tasks that are new, had images added, or existed already."""

    added: int = 0
    completed: int = 0
    known: int = 0
    images: int = 0
    missing: int = 0
    skipped_inputs: int = 0
    broken: list[str] = field(default_factory=list)

    def count(self, tasks: list[Task], outcomes: Counter[str]) -> None:
        """Add the tasks of a committed transaction."""
        self.added += outcomes["added"]
        self.completed += outcomes["completed"]
        self.known += outcomes["known"]
        self.images += sum(len(task.images) for task in tasks)
        self.skipped_inputs += sum("left_out" in task.parameters["imported"] for task in tasks)
        self.missing += sum(len(task.parameters["imported"].get("missing_results", ())) for task in tasks)


def add_arguments(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Add the path of the old database."""
    parser.add_argument(
        "path", type=lambda text: Path(text).expanduser().absolute(), metavar="PATH", help="The old database."
    )
    return [parser]


def run(arguments: argparse.Namespace, location: HistoryLocation) -> int:
    """Import the tasks that are missing. Repeating it changes nothing, except that images which have appeared since are added.

    Raises:
        CommandError: the old database can't be read, or the history can't be written; tasks added before that stay.
    """
    report = Report()
    with closing(OldHistory(arguments.path)) as old, location.repository() as repository:
        locator = _locator(old.program, arguments.path.parent, location)
        try:
            _import(old, repository, locator, report)
        except DatabaseUnavailable as error:
            raise CommandError(f"{error}; {report.added} tasks were imported before") from error
        except OSError as error:
            raise CommandError(
                f"an input can't be stored: {error}; {report.added} tasks were imported before"
            ) from error
        except KeyboardInterrupt:
            print(f"{report.added} tasks imported; run the command again to continue", file=sys.stderr)
            raise
    _print_report(report, old.program, locator, location)
    return 1 if report.broken else 0


def _locator(program: str, folder: Path, location: HistoryLocation) -> FileLocator:
    """Return the locator for the old program's files. `folder` is the folder of its database."""
    inputs = InputStore(location.state / "inputs")
    if program == FOOOCUSAPI:
        return FileLocator(
            location.outputs, inputs, (folder,), (folder.parent / "inputs", location.checkout / "inputs")
        )
    return FileLocator(location.outputs, inputs, (folder / "outputs" / "files", location.outputs / "files"))


def _import(old: OldHistory, repository: Repository, locator: FileLocator, report: Report) -> None:
    rows = iter(old)
    with tqdm(total=len(old), unit=" tasks", desc=old.program, disable=None) as bar:
        while batch := list(islice(rows, AT_ONCE)):
            tasks = list(_tasks(batch, locator, report))
            report.count(tasks, repository.write(partial(_write, repository, tasks)).result())
            bar.update(len(batch))


def _tasks(rows: list[OldTask | BrokenRow], locator: FileLocator, report: Report) -> Iterator[Task]:
    for row in rows:
        if isinstance(row, BrokenRow):
            report.broken.append(str(row))
            continue
        try:
            yield task_from(row, locator)
        except BrokenRow as error:
            report.broken.append(f"task {row.task_id}: {error}")


def _write(repository: Repository, tasks: list[Task]) -> Counter[str]:
    """Write the tasks in one transaction, on the writer's thread. Return the number of tasks per outcome."""
    outcomes: Counter[str] = Counter()
    new: list[tuple[dict[str, Any], Sequence[str]]] = []
    there = repository.sources_and_images([task.task_id for task in tasks])
    for task in tasks:
        source, images = there.get(task.task_id, (None, 0))
        workload = workload_of(task.parameters, lambda _: None)
        if source is None:
            new.append((to_row(task, workload), workload.inputs))
        elif source == SOURCE and images < len(task.images):
            repository.update(task.task_id, {"images": to_row(task, workload)["images"]})
            repository.add_inputs(task.task_id, task.parameters, workload.inputs)
            outcomes["completed"] += 1
        else:
            outcomes["known"] += 1
        there[task.task_id] = (source or "", images)  # the old database may contain it twice
    repository.insert_ended(new)
    outcomes["added"] = len(new)
    return outcomes


def _print_report(report: Report, program: str, locator: FileLocator, location: HistoryLocation) -> None:
    print(f"{program}: {report.added} tasks imported, {report.known} already present", end="")
    print(f", {report.completed} completed with missing images." if report.completed else ".")
    print(f"{report.images} images found in {location.outputs}", end="")
    print(f", {report.missing} not found; the records name them." if report.missing else ".")
    if locator.elsewhere:
        folder = next(iter(locator.elsewhere)).parent.parent
        print(f"{len(locator.elsewhere)} of those are in {folder}; copy its folders there and import again.")
    if report.skipped_inputs:
        print(f"{report.skipped_inputs} tasks have input images that could not be imported; the records name them.")
    for reason in report.broken[:BROKEN_SHOWN]:
        print(f"skipped: {reason}", file=sys.stderr)
    if report.broken:
        print(f"error: {len(report.broken)} broken rows skipped", file=sys.stderr)
