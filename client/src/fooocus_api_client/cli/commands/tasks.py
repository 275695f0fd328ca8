"""`fooocus tasks`, `show`, `watch` and `stop`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from datetime import datetime
from typing import Annotated, Any, Optional

import typer

from ...calls.tasks import TaskUpdate
from ...schema.tasks import TaskCard
from ...wire.errors import ApiError
from ..frame.exit_codes import ExitCode, exit_code_of
from ..frame.names import active_tasks
from ..frame.names import tasks as task_names
from ..frame.options import Json, Key, Output, Preview, Url
from ..frame.session import connected, report
from ..frame.task_ids import task_id_of
from ..frame.terminal import note, print_json, print_rows
from ..live.follow import followed, stopped
from .results import Results

TITLES = ["Task", "Status", "Queued", "By", "Images", "Prompt"]
PROMPT_LENGTH = 60
TaskId = Annotated[
    str, typer.Argument(help="A task's id, its first digits, or `last`.", autocompletion=task_names, metavar="TASK")
]
ActiveTaskIds = Annotated[
    list[str], typer.Argument(help="Ids, or their first digits.", autocompletion=active_tasks, metavar="TASK…")
]


def tasks(
    query: Annotated[str, typer.Option("--query", help="The lists: all, history, current or pending.")] = "all",
    limit: Annotated[int, typer.Option("--limit", help="The most tasks of a list.", min=1, max=100)] = 20,
    page: Annotated[int, typer.Option("--page", help="The page, from 0.", min=0)] = 0,
    status: Annotated[Optional[list[str]], typer.Option("--status", help="Only tasks with this status.")] = None,
    tag: Annotated[Optional[list[str]], typer.Option("--tag", help="Only tasks with this tag.")] = None,
    prompt: Annotated[Optional[str], typer.Option("--prompt", help="Only tasks with these words.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """List tasks: those that run and wait, and the history."""
    with connected(url, key, as_json=as_json) as client:
        given: dict[str, Any] = {"status": status, "tag": tag, "prompt": prompt}
        filters = {name: value for name, value in given.items() if value}
        lists = client.tasks.cards(query, page=page, page_size=limit, **filters)
        if as_json:
            print_json(lists.received)
            return
        print_rows(TITLES, [row_of(card) for card in (*lists.current, *lists.pending, *lists.history)])


def show(task: TaskId, output: Output = None, url: Url = None, key: Key = None, as_json: Json = False) -> None:
    """Show a task's record; with -o, save its images."""
    with connected(url, key, as_json=as_json) as client:
        record = client.tasks.get(task_id_of(client, task))
        if output is not None:
            Results(output, as_json=as_json).put(client, record)
        elif as_json:
            print_json(record.received)
        else:
            rows = [["status", record.task_status], ["prompt", str(record.req_params.get("prompt", ""))]]
            rows += [["image", f"{image.url} (seed {image.seed_text})"] for image in record.images]
            rows += [["error", f"{record.error.type}: {record.error.message}"]] if record.error else []
            print_rows([record.task_id, ""], rows)


def watch(
    task: Annotated[
        Optional[str], typer.Argument(help="A task's id; all tasks without.", autocompletion=active_tasks)
    ] = None,
    preview: Preview = "auto",
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Follow one task to its end with a bar, or all tasks, a line for each event, until Ctrl-C."""
    with connected(url, key, as_json=as_json) as client:
        if task is not None:
            record = followed(client, task_id_of(client, task), preview)
            print_json(record.received) if as_json else print_rows(["Image"], [[url] for url in record.result])
            return
        for update in client.tasks.watch_all():
            if not isinstance(update, TaskUpdate):
                note("note: the connection was broken for long; some events are lost")
            elif as_json:
                print_json({"event": update.kind, **update.event.received})
            else:
                progress = (
                    f" {update.event.progress:.0f}%" if update.kind == "progress" and update.event.progress else ""
                )
                print(f"{update.event.task_id[:8]} {update.kind}{progress}", flush=True)


def stop(ids: ActiveTaskIds, url: Url = None, key: Key = None, as_json: Json = False) -> None:
    """Stop tasks that wait or run. One that can't be stopped does not keep the others from it."""
    with connected(url, key, as_json=as_json) as client:
        codes: list[ExitCode] = []
        for text in ids:
            try:
                task_id = task_id_of(client, text)
                record = stopped(client, task_id)
                print_json(record.received) if as_json else print(task_id)
            except (ApiError, ValueError) as error:
                report(error, as_json=as_json)
                codes.append(exit_code_of(error))
        if codes:
            raise typer.Exit(codes[0])


def row_of(card: TaskCard) -> list[str]:
    """Return a line of the table."""
    known = card.in_queue_mills > 0
    queued = datetime.fromtimestamp(card.in_queue_mills / 1000).strftime("%Y-%m-%d %H:%M") if known else ""
    status = f"{card.task_status} {card.progress:.0f}%" if card.task_status == "running" else card.task_status
    prompt = card.prompt if len(card.prompt) <= PROMPT_LENGTH else f"{card.prompt[:PROMPT_LENGTH]}…"
    return [card.task_id, status, queued, card.source, str(card.saved_images), prompt]
