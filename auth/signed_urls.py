"""Signed URLs: links to images that need no key, can't be guessed and expire.

A link is `/outputs/…?expires=<seconds since 1970>&signature=<HMAC-SHA256 of path and time, base64url>`. That of a view begins its
query with `size=<width>x<height>`, which the signature covers: who has a link can't have any number of views made.
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
"""Prefixes of the paths that may be signed."""
SIZE = "size"
"""The query parameter of a view's size."""
SECRET_BYTES = 32
STEPS = 24
"""A link's expiry is rounded up to a multiple of a 24th of its lifetime: the link stays the same for a while, so that a browser
has it cached."""
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class InvalidSignature(Exception):
    """A signed URL that is not accepted; the message gives the reason."""


class UrlSigner:
    """Signs and verifies URLs.

    Args:
        secret: the key of the signatures.
        ttl: the minimum lifetime of a link, in seconds.
        protected: returns whether a key is required, so that links have to be signed.
    """

    def __init__(self, secret: bytes, ttl: int, protected: Callable[[], bool]) -> None:
        self._secret = secret
        self._ttl = ttl
        self._protected = protected

    def query(self, reference: str, size: str | None = None) -> str:
        """Return the query string for the URL of `outputs/…` or `inputs/…`: `?expires=…`, or "" if no key is required.

        With a `size`, as in `512x512`, it is that of an output's view: `?size=512x512&expires=…`, or `?size=512x512`.
        """
        parts = [] if size is None else [f"{SIZE}={size}"]
        if self._protected():
            step = max(self._ttl // STEPS, 1)
            expires = -(-(int(time.time()) + self._ttl) // step) * step
            parts += [f"expires={expires}", f"signature={self.signature(reference, expires, size)}"]
        return f"?{'&'.join(parts)}" if parts else ""

    def signature(self, reference: str, expires: int, size: str | None = None) -> str:
        """Return the signature of `outputs/…` or `inputs/…`, or of a view, that expires at this time, in seconds since 1970."""
        view = "" if size is None else f"{SIZE}={size}\n"  # no reference begins like this
        digest = hmac.new(self._secret, f"{expires}\n{view}{reference}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

    def verify(self, reference: str, query: Mapping[str, str]) -> bool:
        """Return whether a request for `outputs/…` or `inputs/…` with this query needs no key. False if it is not signed.

        Raises:
            InvalidSignature: the signature is incomplete, wrong or expired.
        """
        signature, expires = query.get("signature"), query.get("expires", "")
        if signature is None:
            return False
        if not _SECONDS.fullmatch(expires):
            raise InvalidSignature("signed URL is incomplete: it lacks a valid expires; use it as it was given")
        expected = self.signature(reference, int(expires), query.get(SIZE))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise InvalidSignature("signature of the URL is invalid; use the URL as it was given, or send an API key")
        if int(expires) < time.time():
            raise InvalidSignature("signed URL has expired; request the task's record again, or send an API key")
        return True


UNSIGNED = UrlSigner(b"", 1, lambda: False)
"""A signer for servers on which no key is ever required."""


def load_or_create_secret(path: Path) -> bytes:
    """Return the secret in this file, created if there is none. Only the user who runs Fooocus may read it.

    If the secret can't be stored, a warning is logged, and links expire with this process.
    """
    try:
        if not path.is_file() or path.stat().st_size < SECRET_BYTES:
            _write_secret(path)
        path.chmod(0o600)
        return path.read_bytes()
    except OSError as error:
        log.warning(
            "secret of signed URLs not stored; they will become invalid after a restart",
            extra={"reason": error.strerror},
        )
        return secrets.token_bytes(SECRET_BYTES)


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, secrets.token_bytes(SECRET_BYTES), 0o600)
