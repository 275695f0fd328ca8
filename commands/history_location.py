"""Locates the history as a running Fooocus does: by its flags, environment and config.txt."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..adapters.startup.flag_types import database_url
from ..db.connection import DatabaseInUse, DatabaseProblem, shown
from ..db.repository import Repository
from ..installer.checkout import Checkout
from ..installer.errors import InstallError
from .errors import CommandError


@dataclass(frozen=True)
class HistoryLocation:
    """A Fooocus with its outputs, and its history: a SQLite file or a database URL."""

    checkout: Path
    outputs: Path
    database: Path | str

    @property
    def state(self) -> Path:
        """The extension's folder in the outputs folder."""
        return self.outputs / ".fooocus_api"

    @contextmanager
    def repository(self) -> Iterator[Repository]:
        """Open the history exclusively; create it if it does not exist.

        Raises:
            CommandError: a running Fooocus has it open, or it can't be used.
        """
        try:
            repository = Repository(self.database)
        except DatabaseInUse as error:
            where = shown(self.database)
            raise CommandError(f"Fooocus is running with the history {where}; stop it, then try again") from error
        except (DatabaseProblem, OSError) as error:
            raise CommandError(str(error)) from error
        try:
            yield repository
        finally:
            repository.close()


def add_location_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of Fooocus that determine its locations."""
    parser.add_argument(
        "--api-db",
        type=database_url,
        default=os.environ.get("API_DB") or None,
        metavar="URL",
        help="The database, if Fooocus is started with this flag. Default: the environment variable API_DB, else the file "
        "in outputs/.fooocus_api.",
    )
    parser.add_argument(
        "--output-path", metavar="FOLDER", help="The folder of images, if Fooocus is started with this flag."
    )


def locate_history(checkout: Path, arguments: argparse.Namespace) -> HistoryLocation:
    """Return the location of this Fooocus's history when it is started with these flags.

    Raises:
        CommandError: its config.txt can't be read.
    """
    try:
        outputs = (checkout / arguments.output_path).resolve() if arguments.output_path else Checkout(checkout).outputs
    except InstallError as error:
        raise CommandError(str(error)) from error
    return HistoryLocation(checkout, outputs, arguments.api_db or outputs / ".fooocus_api" / "tasks.sqlite3")
