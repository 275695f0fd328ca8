"""Parsers of the extension's launch flags. Each returns a text's value, or raises an argparse error that says what is allowed."""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ...asgi.surfaces.surface import Surface
from ...auth.keys import Key, named_key
from ...images.depot.depot import check_node_name

Network: TypeAlias = IPv4Network | IPv6Network

UNITS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
TEN_YEARS = 3650 * UNITS["d"]
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


def apikey(text: str) -> Key:
    """Parse a key, with or without a name."""
    try:
        return named_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; use KEY or NAME:KEY") from error


def apikey_file(text: str) -> tuple[Key, ...]:
    """Parse the name of a file with a key on each line, and return its keys. No message repeats a line of it."""
    try:
        lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise argparse.ArgumentTypeError(
            f"{text} can't be read: {reason}; name a file with a key on each line"
        ) from error
    keys = tuple(apikey(line.strip()) for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise argparse.ArgumentTypeError(f"{text} contains no key; write KEY or NAME:KEY on a line")
    return keys


def port(text: str) -> int:
    """Parse a TCP port."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 1 to 65535")
    return int(text)


def network(text: str) -> Network:
    """Parse a network in CIDR form."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a network ({error}); use CIDR form, such as 192.168.1.0/24"
        ) from error


def base_url(text: str) -> str:
    """Parse the public address, and drop its trailing slashes."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; begin it with http:// or https://")
    return text.rstrip("/")


def surfaces(text: str) -> frozenset[Surface]:
    """Parse the names of compatible APIs, separated by commas, or `none`."""
    names = [name.strip().lower() for name in text.split(",")]
    if names == ["none"]:
        return frozenset()
    try:
        return frozenset(Surface(name) for name in names)
    except ValueError as error:
        known = ", ".join(surface.value for surface in Surface)
        raise argparse.ArgumentTypeError(f"{text!r} names an unknown API; use {known}, or none") from error


def origin(text: str) -> str:
    """Parse an origin as browsers send it in `Origin`, or `*` for any."""
    scheme, separator, host = text.rstrip("/").partition("://")
    if text not in ("*", "null") and not (scheme and separator and host and not set("/?#@* ,") & set(host)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an origin; use one such as https://shop.example, or * for any"
        )
    return text.rstrip("/").lower()


def duration(text: str) -> int:
    """Parse a duration, with or without a unit, into seconds."""
    number, seconds = (text[:-1], UNITS[text[-1:].lower()]) if text[-1:].lower() in UNITS else (text, 1)
    try:
        value = round(float(number) * seconds)
    except (ValueError, OverflowError):
        value = 0
    if not 0 < value <= TEN_YEARS:
        meant = "a time of up to ten years, as in 90s, 30m, 24h or 7d"
        raise argparse.ArgumentTypeError(f"{text!r} is not {meant}")
    return value


def webhook_url(text: str) -> str:
    """Parse a receiver's URL. It may contain a password: no message repeats it."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError("the address is not valid; use one such as https://example.com/hook")
    return text


def webhook_secret(text: str) -> bytes:
    """Parse a secret in the Standard Webhooks format into its key. No message repeats it."""
    prefix, _, digits = text.partition("_")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        key = b""
    if prefix != "whsec" or not 24 <= len(key) <= 64:
        raise argparse.ArgumentTypeError(
            "it is not a webhook secret: whsec_ and the base64 of 24 to 64 random bytes is, such as "
            "openssl rand -base64 32 gives them"
        )
    return key


def database_url(text: str) -> str:
    """Parse a value of `--api-db`."""
    if "://" not in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a database URL; begin it with sqlite:/// or postgresql://")
    scheme, _, rest = text.partition("://")
    if scheme.lower() == "sqlite" and not rest.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} lacks a slash; use three: sqlite:///{rest}")
    return text


def node_name(text: str) -> str:
    """Parse a value of `--node-name`: it is a part of image paths."""
    try:
        return check_node_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(kind: Callable[[str], Any], meant: str) -> Callable[[str], Any]:
    """Return a parser for numbers above 0."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"{text!r} is not {meant}")
        return value

    return parse


def not_negative(text: str) -> float:
    """Parse a number of seconds that may be 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 on")
    return value


def files_place(text: str) -> Path | str:
    """Parse a value of `--api-files`: a folder, or `s3://bucket` with an optional prefix."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text.strip():
            raise argparse.ArgumentTypeError("the place of images is empty; use a folder or s3://bucket/prefix")
        return Path(text)
    bucket = rest.partition("/")[0]
    if scheme.lower() != "s3" or not BUCKET.fullmatch(bucket) or set(rest) & set("?#"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a place of images; use a folder or s3://bucket/prefix")
    return f"s3://{rest.rstrip('/')}"
