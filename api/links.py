"""Links to images that work without a key: signed, so that nobody can guess one, and for a time only.

A link is `/outputs/…?expires=<seconds since 1970>&signature=<HMAC-SHA256 of path and time, base64url>`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..files.replacing import write_atomically

log = logging.getLogger("fooocus_api.links")

LINKED = ("/outputs/", "/inputs/")
"""What the paths begin with that a link may lead to."""
SECRET_BYTES = 32
STEPS = 24
"""A link's end is rounded up to a 24th of its time: asked for again it is the same for a while, and a browser has it."""
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadLink(Exception):
    """A signed link that opens nothing; the message says why."""


class Links:
    """Signs and checks links.

    Args:
        secret: what they are signed with.
        ttl: seconds a link works, at least.
        protected: whether a key is needed, so that links have to be signed.
    """

    def __init__(self, secret: bytes, ttl: int, protected: Callable[[], bool]) -> None:
        self._secret = secret
        self._ttl = ttl
        self._protected = protected

    def query(self, reference: str) -> str:
        """What is put behind the URL of `outputs/…` or `inputs/…`: "" where no key is needed, else `?expires=…`."""
        if not self._protected():
            return ""
        step = max(self._ttl // STEPS, 1)
        expires = -(-(int(time.time()) + self._ttl) // step) * step
        return f"?expires={expires}&signature={self._signature(reference, expires)}"

    def opens(self, reference: str, query: Mapping[str, str]) -> bool:
        """Whether a request for `outputs/…` or `inputs/…` with this query needs no key. False when it is not signed.

        Raises:
            BadLink: it is signed, but wrongly or too long ago.
        """
        signature, expires = query.get("signature"), query.get("expires", "")
        if signature is None:
            return False
        if not _SECONDS.fullmatch(expires):
            raise BadLink("the link is incomplete: it needs the expires that it was signed with")
        if not hmac.compare_digest(signature.encode(), self._signature(reference, int(expires)).encode()):
            raise BadLink("the link's signature is wrong: use it as it was given, or send an API key")
        if int(expires) < time.time():
            raise BadLink("the link has expired: ask for the task's record again, or send an API key")
        return True

    def _signature(self, reference: str, expires: int) -> str:
        digest = hmac.new(self._secret, f"{expires}\n{reference}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


UNSIGNED = Links(b"", 1, lambda: False)
"""Where no key is ever needed."""


def kept_secret(path: Path) -> bytes:
    """The secret in this file, made when there is none. Only the user who runs Fooocus may read it.

    When it can't be kept it is said, and links end with this process.
    """
    try:
        if not path.is_file() or path.stat().st_size < SECRET_BYTES:
            _write_secret(path)
        path.chmod(0o600)
        return path.read_bytes()
    except OSError as error:
        log.warning("links to images won't outlive this start", extra={"reason": error.strerror})
        return secrets.token_bytes(SECRET_BYTES)


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, secrets.token_bytes(SECRET_BYTES), 0o600)
