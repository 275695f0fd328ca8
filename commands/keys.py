"""`extension.py keys add|list|revoke`: manages API keys. A running Fooocus applies changes at its next request, a cluster within
a second.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from ..auth.key_file import KeyFileUnavailable, NameTaken, UnknownKey
from ..auth.keyring import KeySource
from ..auth.keys import (
    NAME_RULE,
    USUAL_SCOPES,
    BrokenKeys,
    Key,
    KeyQuota,
    Scope,
    check_name,
)
from .errors import CommandError
from .history_location import HistoryLocation
from .key_store import key_store

HELP = "Create, list and revoke API keys. A running Fooocus applies the change at its next request."


def add_arguments(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Add the three subcommands."""
    commands = parser.add_subparsers(dest="command", required=True)
    about = "Create a key and print it. It is shown only once, as only its hash is stored."
    add = commands.add_parser("add", help=about, description=about, allow_abbrev=False)
    add.add_argument("name", type=_name, metavar="NAME", help=f"Name of the key, and source of its tasks: {NAME_RULE}.")
    add.add_argument(
        "--scopes",
        type=_scopes,
        default=USUAL_SCOPES,
        metavar="SCOPES",
        help=f"Scopes of the key, separated by commas: {_shown(frozenset(Scope))}. Default: {_shown(USUAL_SCOPES)}.",
    )
    for flag, meaning in (
        ("--requests-per-minute", "Requests that the key may send per minute."),
        ("--pending-tasks", "Tasks of the key that may wait."),
        ("--images-per-day", "Images that the key may request per day, from 00:00 UTC."),
    ):
        add.add_argument(flag, type=_number, metavar="N", help=f"{meaning} Default: no limit.")
    about = "Show the keys: names, scopes and limits."
    listing = commands.add_parser("list", help=about, description=about, allow_abbrev=False)
    about = "Revoke a key. Its tasks stay, and belong to a new key of the same name."
    revoke = commands.add_parser("revoke", help=about, description=about, allow_abbrev=False)
    revoke.add_argument("name", metavar="NAME")
    return [add, listing, revoke]


def run(arguments: argparse.Namespace, location: HistoryLocation) -> int:
    """Run the subcommand. Only the key goes to standard output, so that a script can read it.

    Raises:
        CommandError: the list can't be read or written, or the key is unknown or exists already.
    """
    store, place = key_store(location)
    if arguments.command == "list":
        _list(_load(store), place)
    elif arguments.command == "add":
        _add(arguments, store, place)
    else:
        _revoke(arguments.name, store, place)
    return 0


def _add(arguments: argparse.Namespace, store: KeySource, place: str) -> None:
    limits = KeyQuota(arguments.requests_per_minute, arguments.pending_tasks, arguments.images_per_day)
    try:
        added = store.add(arguments.name, arguments.scopes, limits)
    except NameTaken as error:
        message = f"the key {error} already exists; choose another name, or revoke it first"
        raise CommandError(message) from error
    except (BrokenKeys, KeyFileUnavailable) as error:
        raise CommandError(str(error)) from error
    key = added.key
    print(
        f"Key {key.name} created in {place} with the scopes {_shown(key.scopes)}. It is shown only once:",
        file=sys.stderr,
        flush=True,
    )
    print(added.text, flush=True)
    if added.is_first:
        print(
            "From now on the API of the Fooocus that reads this list requires a key. The WebUI does not.",
            file=sys.stderr,
        )


def _revoke(name: str, store: KeySource, place: str) -> None:
    try:
        left = store.remove(name)
    except UnknownKey as error:
        raise CommandError(f"the key {name} does not exist; list the keys with `extension.py keys list`") from error
    except (BrokenKeys, KeyFileUnavailable) as error:
        raise CommandError(str(error)) from error
    print(f"Key {name} revoked.")
    if not left:
        print(f"No key is left, but the API still requires one; to change that, delete {place} and restart Fooocus.")


def _list(keys: list[Key], place: str) -> None:
    if not keys:
        print(f"{place} contains no keys.")
        return
    rows = [("NAME", "CREATED", "SCOPES", "LIMITS")]
    for key in keys:
        limits = [
            f"{name.replace('_', '-')} {value}" for name, value in asdict(key.limits).items() if value is not None
        ]
        rows.append((key.name, key.created, _shown(key.scopes), ", ".join(limits) or "none"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]))


def _load(store: KeySource) -> list[Key]:
    try:
        return store.load()
    except FileNotFoundError:
        return []
    except BrokenKeys as error:
        raise CommandError(str(error)) from error


def _name(text: str) -> str:
    try:
        return check_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _scopes(text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        allowed = ", ".join(scope.value for scope in Scope)
        raise argparse.ArgumentTypeError(f"{error}; use {allowed}") from error


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _shown(scopes: frozenset[Scope]) -> str:
    return ", ".join(scope.value for scope in Scope if scope in scopes) or "nothing"
