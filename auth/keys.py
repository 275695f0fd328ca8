"""API keys, their scopes and quotas, and the file that lists them. Standard library only.

Only the SHA-256 of a key is stored, which is enough for random keys of 256 bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..files.replacing import write_atomically

log = logging.getLogger("fooocus_api.keys")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
NAME_RULE = "1 to 40 letters, digits, '.', '_' and '-', the first a letter or digit"
RESERVED = frozenset({"webui", "api", "imported"})
"""Task sources that do not belong to a key."""
FILE_NAME = "keys.json"
VERSION = 1
ROUNDS = 100_000
"""PBKDF2 rounds for the name derived from a key, which may be short and easy to guess."""


class Scope(str, Enum):
    """Permissions of a key. None includes another, except `read-all`, which includes `read`."""

    GENERATE = "generate"
    READ = "read"
    READ_ALL = "read-all"
    CONTROL = "control"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)
USUAL_SCOPES = frozenset({Scope.GENERATE, Scope.READ, Scope.CONTROL})


@dataclass(frozen=True)
class KeyQuota:
    """Quotas of a key; None means no limit. A day begins at 00:00 UTC."""

    requests_per_minute: int | None = None
    pending_tasks: int | None = None
    images_per_day: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and (type(value) is not int or not 0 < value < 10**9):
                raise ValueError(f"{name} is not a number above 0")


UNLIMITED = KeyQuota()


@dataclass(frozen=True)
class Key:
    """A key without its secret: `digest` is its SHA-256 in hexadecimal digits, `created` an ISO 8601 time."""

    name: str
    digest: str
    scopes: frozenset[Scope] = ALL_SCOPES
    limits: KeyQuota = UNLIMITED
    created: str = ""


class BrokenKeys(Exception):
    """The key file can't be used; the message names the file and the reason, and contains no key."""


class UnreadableKeys(BrokenKeys):
    """The key file can't be read at the moment; its content is unknown."""


def new_key() -> str:
    """Return 256 random bits, with a prefix by which people and secret scanners recognise a key."""
    return f"fooocus_{secrets.token_urlsafe(32)}"


def digest_of(key: bytes) -> str:
    """Return a key's SHA-256, the only form in which it is stored."""
    return hashlib.sha256(key).hexdigest()


def check_name(name: str) -> str:
    """Return the name if a key may have it.

    Raises:
        ValueError: a key may not have it; the message gives the reason.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"key name is invalid; it must have {NAME_RULE}")
    if name.lower() in RESERVED:
        raise ValueError(f"key name {name!r} is reserved for tasks without a key; choose another")
    return name


def named_key(text: str) -> Key:
    """Return the key of a command-line argument, `KEY` or `name:KEY`. It has all scopes and no quota. No message ever shows it.

    Raises:
        ValueError: the key is empty, or its name is invalid.
    """
    name, colon, key = text.partition(":") if ":" in text else ("", "", text)
    if not key.strip():
        raise ValueError("the key is empty")
    # Records show the derived name, and people choose short keys: it must not allow the key to be guessed.
    content = os.fsencode(key)
    made = hashlib.pbkdf2_hmac("sha256", content, b"fooocus-api key name", ROUNDS)[:4].hex()
    return Key(check_name(name) if colon else f"key-{made}", digest_of(content))


# ----------------------------------------------------------------------- the file


def load(file: Path) -> list[Key]:
    """Return the keys in a file.

    Raises:
        FileNotFoundError: the file does not exist.
        BrokenKeys: the file can't be read or understood.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']!r} is not supported")
        keys = [_from_json(number, item) for number, item in enumerate(content["keys"], 1)]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableKeys(f"{file} can't be read: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise BrokenKeys(f"{file} is not valid JSON: {error.msg} in line {error.lineno}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise BrokenKeys(f"{file} is invalid: {reason}") from error
    if len({key.name for key in keys}) < len(keys):
        raise BrokenKeys(f"{file} has two keys with the same name")
    return keys


def save(file: Path, keys: Iterable[Key]) -> None:
    """Write the file atomically, accessible to its owner only.

    Raises:
        OSError: the file can't be written; the old one is unchanged.
    """
    content = json.dumps({"version": VERSION, "keys": [_to_json(key) for key in keys]}, indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content + "\n", 0o600)


def _to_json(key: Key) -> dict[str, Any]:
    limits = {name: value for name, value in asdict(key.limits).items() if value is not None}
    scopes = [scope.value for scope in Scope if scope in key.scopes]
    return {"name": key.name, "sha256": key.digest, "scopes": scopes, "limits": limits, "created": key.created}


def _from_json(number: int, item: dict[str, Any]) -> Key:
    """Return the key of a JSON object. Strict, as an unknown member might be a limit."""
    unknown = set(item) - {"name", "sha256", "scopes", "limits", "created"}
    if unknown:
        raise ValueError(f"key {number} has the unknown member {min(unknown)!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", item["sha256"]):
        raise ValueError(f"key {number}: sha256 is not 64 hexadecimal digits")
    try:
        return Key(
            check_name(item["name"]),
            item["sha256"],
            frozenset(Scope(scope) for scope in item["scopes"]),
            KeyQuota(**item.get("limits", {})),
            str(item.get("created", "")),
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"key {number}: {error}") from error


# -------------------------------------------------------------------- all of them


_Read = tuple[tuple[int, ...] | None, tuple[Key, ...], str | None]
"""The state of a file when it was read, its keys, and the problem with it."""
UNREAD: tuple[int, ...] = ()
"""The state of a file that is read again at the next request."""


class Keyring:
    """Keys of this process: those of the command line, and the current ones of the file. Any thread.

    A key is required once the file exists or the command line has a key. If the file breaks or disappears while Fooocus runs, its
    keys are rejected, and a key is still required.
    """

    def __init__(self, fixed: Sequence[Key], file: Path) -> None:
        self._fixed = tuple(fixed)
        self._file = file
        self._read: _Read = (None, (), None)
        self._needed = bool(fixed)

    def needed(self) -> bool:
        """Return whether a key is required."""
        self._current()
        return self._needed

    @property
    def file(self) -> Path:
        """The path of the file, which need not exist."""
        return self._file

    @property
    def fixed(self) -> tuple[Key, ...]:
        """The keys of the command line."""
        return self._fixed

    def find(self, given: bytes) -> Key | None:
        """Return the key that was sent, or None if it is unknown.

        Raises:
            BrokenKeys: the command line has no such key, and the file can't be used.
        """
        keys, problem = self._current()
        digest = digest_of(given)
        matching = [
            key for key in keys if secrets.compare_digest(key.digest, digest)
        ]  # compares all of them, so that timing reveals nothing
        if not matching and problem is not None:
            raise BrokenKeys(problem)
        return matching[0] if matching else None

    def stored(self) -> tuple[Key, ...]:
        """Return the keys of the file, empty if it has never existed.

        Raises:
            BrokenKeys: the file can't be used.
        """
        keys, problem = self._current()
        if problem is not None:
            raise BrokenKeys(problem)
        return keys[len(self._fixed) :]

    def named(self, name: str) -> list[Key]:
        """Return the keys of that name: the command line and the file may each have one.

        Raises:
            BrokenKeys: the command line has no key of that name, and the file can't be used.
        """
        keys, problem = self._current()
        found = [key for key in keys if key.name == name]
        if not found and problem is not None:
            raise BrokenKeys(problem)
        return found

    def _current(self) -> tuple[tuple[Key, ...], str | None]:
        """Return all keys, and the problem with the file. Costs one `stat` call while the file is unchanged."""
        try:
            status = self._file.stat()
            state: tuple[int, ...] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        except FileNotFoundError:
            state = None
        except OSError as error:
            state = (error.errno or 0,)
        read = self._read
        if state != read[0]:
            read = self._read = self._load(state, read[2])
        return (*self._fixed, *read[1]), read[2]

    def _load(self, state: tuple[int, ...] | None, known: str | None) -> _Read:
        problem = f"{self._file} is missing; restore it, or restart Fooocus to run without it"
        if state is not None:
            self._needed = True
            with contextlib.suppress(FileNotFoundError):
                try:
                    return state, tuple(load(self._file)), None
                except UnreadableKeys as error:  # another program may have it open for a moment
                    state, problem = UNREAD, str(error)
                except BrokenKeys as error:
                    problem = str(error)
        if problem != known:
            log.error("file of API keys rejected", extra={"reason": problem})
        return state, (), problem
