"""API keys, their scopes and quotas, and the list of them as a file or a text. Standard library only.

Only the SHA-256 of a key is stored, which is enough for random keys of 256 bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..files.replacing import write_atomically

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


RESTORE = "correct it, or restore a copy"
"""The remedy for a list of keys that can't be understood."""


class BrokenKeys(Exception):
    """The list of keys can't be used; the message names its place and the reason, and contains no key."""


class UnreadableKeys(BrokenKeys):
    """The list of keys can't be read at the moment; its content is unknown."""


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
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise BrokenKeys(f"{file} is invalid: {error}; {RESTORE}") from error
    except OSError as error:
        raise UnreadableKeys(
            f"{file} can't be read: {error.strerror or error}; check its rights and its disk"
        ) from error
    return parsed(text, str(file))


def parsed(text: str, place: str) -> list[Key]:
    """Return the keys in the text of a list of keys.

    Args:
        place: where the text is, for messages.

    Raises:
        BrokenKeys: the text can't be understood.
    """
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']!r} is not supported")
        keys = [_from_json(number, item) for number, item in enumerate(content["keys"], 1)]
    except json.JSONDecodeError as error:
        raise BrokenKeys(f"{place} is not valid JSON: {error.msg} in line {error.lineno}; {RESTORE}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise BrokenKeys(f"{place} is invalid: {reason}; {RESTORE}") from error
    if len({key.name for key in keys}) < len(keys):
        raise BrokenKeys(f"{place} has two keys with the same name; remove one")
    return keys


def save(file: Path, keys: Iterable[Key]) -> None:
    """Write the file atomically, accessible to its owner only.

    Raises:
        OSError: the file can't be written; the old one is unchanged.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, composed(keys), 0o600)


def composed(keys: Iterable[Key]) -> str:
    """Return the text of a list of keys."""
    return json.dumps({"version": VERSION, "keys": [_to_json(key) for key in keys]}, indent=1) + "\n"


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
