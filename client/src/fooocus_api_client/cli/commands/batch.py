"""`fooocus batch`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from pathlib import Path
from typing import Annotated, Optional, Union

import typer

from ...schema.batches import Batch, BatchResult
from ...sync.client import Client
from ...wire.errors import FooocusError
from ...wire.image_names import name_of, part_of_name, write_whole
from ..frame.exit_codes import ExitCode
from ..frame.options import Json, Key, Url
from ..frame.session import connected
from ..frame.terminal import is_interactive, note, print_json
from ..live.batch_bar import BatchBar
from ..live.interrupt import interrupted

OutputFolder = Annotated[
    Optional[str],
    typer.Option(
        "--output",
        "-o",
        help="Folder for the images, or a ZIP file; by default a folder named as the batch's file, and none with --json.",
        metavar="PATH",
    ),
]


def batch(
    file: Annotated[Path, typer.Argument(help="CSV, JSON Lines or JSON.", exists=True, dir_okay=False)],
    output: OutputFolder = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Generate the valid rows in place of refusing the batch.")
    ] = False,
    encoding: Annotated[Optional[str], typer.Option("--encoding", help="Encoding of a CSV file, as gbk.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the batch's id at once.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Generate each row of a file, and save the images as they come.

    With --json, each row that has ended is one line of JSON.
    """
    with connected(url, key, as_json=as_json) as client:
        created = client.batches.create(file, skip_invalid=skip_invalid, encoding=encoding)
        if no_wait:
            print_json(created.received) if as_json else print(created.batch_id)
            return
        wanted = output if output is not None else None if as_json else file.stem
        archive = wanted if wanted is not None and wanted.lower().endswith(".zip") else None
        rows = Rows(client, Path(wanted) if wanted is not None and archive is None else None, as_json=as_json)
        ended = watched(client, created.batch_id, rows)
        if archive is not None:
            client.batches.save_archive(created.batch_id, archive)
            note(f"the images are in {archive}")
        counts = ended.counts
        note(
            f"{counts.succeeded} of {counts.total} rows succeeded, {counts.failed} failed, {counts.cancelled} were stopped"
        )
        if counts.failed or rows.missing:
            raise typer.Exit(ExitCode.FAILED)
        if counts.cancelled:
            raise typer.Exit(ExitCode.STOPPED)


class Rows:
    """The rows that have ended: printed, and their images saved, each once."""

    def __init__(self, client: Client, folder: Optional[Path], *, as_json: bool) -> None:
        self._client = client
        self._folder = folder
        self._as_json = as_json
        self._seen: set[int] = set()
        self.missing = 0
        """The number of images that could not be saved."""

    def put(self, result: BatchResult) -> None:
        """Save and print a row."""
        if result.row in self._seen:
            return
        if result.error is not None:
            note(f"row {result.row} ({result.custom_id}): {result.error.type}: {result.error.message}")
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for number, image in enumerate(result.images, 1):
                ending = Path(name_of(image.url)).suffix
                path = self._folder / f"{result.row:05}_{part_of_name(result.custom_id)}_{number}{ending}"
                try:
                    content = self._client.download(image)
                except FooocusError as error:  # such as one that was deleted; the other rows are saved
                    self.missing += 1
                    note(f"row {result.row} ({result.custom_id}): image {number} is missing: {error}")
                    continue
                write_whole(path, content)
                if not self._as_json:
                    print(path, flush=True)
        if self._as_json:
            print_json(result.received)
        self._seen.add(result.row)  # after an interruption, a row that is not complete comes again


def watched(client: Client, batch_id: str, rows: Rows) -> Batch:
    """Return a batch once each of its rows has ended, and put the rows into their place."""
    while True:
        try:
            if is_interactive():
                with BatchBar() as bar:
                    for event in client.batches.watch(batch_id):
                        bar.show(event)
                        passed_on(event, rows)
            for event in client.batches.watch(batch_id):
                passed_on(event, rows)
            for result in client.batches.results(batch_id):
                rows.put(result)
            return client.batches.get(batch_id)
        except KeyboardInterrupt:
            interrupted("batch", lambda: client.batches.stop(batch_id), f"GET /v1/batches/{batch_id}")


def passed_on(event: Union[Batch, BatchResult], rows: Rows) -> None:
    """Put the row of an event into its place."""
    if isinstance(event, BatchResult):
        rows.put(event)
