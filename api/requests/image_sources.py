"""Images in requests: resolves what a client sends to a reference to a file of this server. Off the event loop.

A reference is a path on this server without its leading slash: `inputs/<file name>` or `outputs/<date>/<file name>`.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ...images.codecs.decoding import NotAnImage, read_rgb, upright_size, verify
from ...images.references import INPUT_PREFIX, OLDER_PREFIX, REFERENCE_PREFIXES, ImageReference, without_older_prefix
from ...images.storage.input_store import FILE_NAME, MAX_BYTES
from ...outbound.pinned_connection import DEFAULT_LIMITS, BlockedAddress, OutboundError, RequestLimits
from ...tasks.ports.tools import Picture
from ..context import Context
from ..responses.images import no_image, not_readable
from ..responses.problems import Problem, invalid_field
from ..responses.public_urls import PublicUrls
from ..schemas.items import is_no_image

_REFERENCE = re.compile(r"(?:.*/)?((?:outputs|files)/(?:[^/]+/)?[^/]+/[^/]+|inputs/[^/]+)")
ACCEPT = {"Accept": "image/png, image/jpeg, image/webp, image/gif;q=0.5, image/bmp;q=0.5, image/tiff;q=0.5, */*;q=0.1"}
MAX_URL_LENGTH = 8000
"""Characters. Parsing a URL as large as a body takes gigabytes of memory."""
_OWN_PREFIXES = (*(f"/{prefix}" for prefix in (*REFERENCE_PREFIXES, OLDER_PREFIX)), *REFERENCE_PREFIXES)
_ALLOWED = "send an http(s) URL, base64, a data URI, or /outputs/… or /inputs/… of this server"


class ImageResolver:
    """Resolves the images of one request. Only `hold` writes files, which `InputStore.drop` removes again."""

    def __init__(
        self,
        context: Context,
        host: str | None = None,
        limits: RequestLimits = DEFAULT_LIMITS,
        may_see: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Create a resolver.

        Args:
            host: the request's Host header. A URL with this address names this server, even if `--base-url` is another.
            may_see: returns whether the client may use a reference. Any other reference counts as missing.
        """
        self._context = context
        self._host = host
        self._limits = limits
        self._may_see = may_see
        self._new: dict[str, bytes] = {}

    def resolve(self, field: str, text: str | None, urls: PublicUrls | None = None) -> str | None:
        """Return the reference to an image, None for None, "", "None" and other texts that mean no image.

        Raises:
            InvalidFields: the image can't be used; names `field` and the reason.
        """
        if (text := _usable(field, text)) is None:
            return None
        try:
            return self._stored_image(text, urls) or self._from_outside(text)
        except _Unusable as error:
            raise invalid_field(field, error.code, str(error)) from error

    def file_content(self, field: str, text: str | None, urls: PublicUrls | None = None) -> bytes | None:
        """Return an image's file as it is, undecoded, None for texts that mean no image. Raises like `resolve`."""
        if (text := _usable(field, text)) is None:
            return None
        try:
            reference = self._reference_in(text, urls)
            return self._sent(text)[1] if reference is None else self._stored_content(reference)
        except _Unusable as error:
            raise invalid_field(field, error.code, str(error)) from error

    def hold(self) -> list[str]:
        """Write the images that came from outside. Pass the returned names to `InputStore.keep` or `drop`.

        Raises:
            StorageUnavailable: the disk is full or can't be written.
        """
        return self._context.inputs.hold(self._new)

    @property
    def new_images(self) -> tuple[int, int]:
        """The number of images that came from outside so far, and their bytes."""
        return len(self._new), sum(map(len, self._new.values()))

    def read(self, reference: str) -> Picture:
        """Return the pixels of a resolved image, written or not."""
        return read_rgb(self._content(reference))

    def size(self, reference: str) -> tuple[int, int]:
        """Return the upright width and height of a resolved image, written or not."""
        return upright_size(self._content(reference))

    def _content(self, reference: str) -> bytes:
        image = ImageReference.parse(reference)
        content = self._new.get(image.name) if image is not None else None
        if content is not None:
            return content
        path = open_reference(self._context, reference)
        try:
            return path.read_bytes()
        except OSError as error:
            raise not_readable(path.name, error) from error

    def _from_outside(self, text: str) -> str:
        what, content = self._sent(text)
        try:
            file_name, kept = self._context.inputs.named(content)
        except NotAnImage as error:
            raise _Unusable(f"{what} is {error}") from error
        self._new[file_name] = kept
        return str(ImageReference.input(file_name))

    def _sent(self, text: str) -> tuple[str, bytes]:
        """Return a description and the content of an image from outside, at most MAX_BYTES."""
        if text[:5].lower() == "data:":
            what, content = "the data URI", _from_data_uri(text)
        elif _is_url(text):
            what = shortened(text)
            content = self._fetched(text)
        else:
            what, content = "the base64 data", _from_base64(text)
        if len(content) > MAX_BYTES:
            raise _Unusable(f"{what} is larger than {MAX_BYTES // 2**20} MiB")
        return what, content

    def _stored_content(self, reference: str) -> bytes:
        """Return the content of an image of this server that the client may use."""
        try:
            return open_reference(self._context, reference, self._may_see).read_bytes()
        except Problem as error:
            raise _Unusable(error.detail) from error
        except OSError as error:
            raise _Unusable(f"{reference} can't be read: {error.strerror}") from error

    def _fetched(self, url: str) -> bytes:
        try:
            answer = self._context.outbound.request(url, headers=ACCEPT, limits=self._limits)
        except BlockedAddress as error:
            raise _Unusable(f"{shortened(url)} {error}", FieldErrorCode.BLOCKED_ADDRESS) from error
        except OutboundError as error:
            raise _Unusable(f"{shortened(url)} {error}") from error
        if not 200 <= answer.status < 300:
            raise _Unusable(f"{shortened(url)} returned {answer.phrase}")
        return answer.content

    def _stored_image(self, text: str, urls: PublicUrls | None) -> str | None:
        """Return the reference to the image of this server that the text names, None if it names something else."""
        reference = self._reference_in(text, urls)
        if reference is None:
            return None
        try:
            path = open_reference(self._context, reference, self._may_see)
            if not reference.startswith(INPUT_PREFIX):
                verify(path.read_bytes())  # an input was verified on upload
        except Problem as error:
            raise _Unusable(error.detail) from error
        except NotAnImage as error:
            raise _Unusable(f"{reference} is {error}") from error
        except OSError as error:
            raise _Unusable(f"{reference} can't be read: {error.strerror}") from error
        return reference

    def _reference_in(self, text: str, urls: PublicUrls | None) -> str | None:
        if FILE_NAME.fullmatch(text):
            return str(ImageReference.input(text))
        if _is_url(text):
            try:
                parts = urlsplit(text)
                found = _REFERENCE.fullmatch(unquote(parts.path))
                if found is not None and (self._is_own_host(parts, urls) or self._is_kept(found[1])):
                    return without_older_prefix(found[1])
            except ValueError as error:
                raise _Unusable(f"{shortened(text)} is not a URL: {error}") from error
        elif text.startswith(_OWN_PREFIXES):
            return without_older_prefix(unquote(text.partition("?")[0]).removeprefix("/"))
        return None

    def _is_own_host(self, parts: SplitResult, urls: PublicUrls | None) -> bool:
        addresses = [urls.base if urls else None, self._context.base_url, self._host and f"//{self._host}"]
        return _address(parts) in [_address(urlsplit(address)) for address in addresses if address]

    def _is_kept(self, reference: str) -> bool:
        """Return whether the image exists here, even if the URL has another address: an input's name is the content's hash."""
        image = ImageReference.parse(without_older_prefix(reference))
        try:
            is_kept = image and (self._context.inputs.has(image.name) or self._context.places.has_of_node(image.name))
            return bool(is_kept) and self._may_see(str(image))
        except OSError:
            return False


def _usable(field: str, text: str | None) -> str | None:
    """Return the text without spaces around it, None if it means no image."""
    text = (text or "").strip()
    if len(text) > MAX_URL_LENGTH and (_is_url(text) or text.startswith(_OWN_PREFIXES)):
        message = f"URL is longer than {MAX_URL_LENGTH} characters; send base64, or upload the image to /inputs"
        raise invalid_field(field, FieldErrorCode.TOO_LONG, message)
    return None if is_no_image(text) else text


def open_reference(context: Context, reference: str, may_see: Callable[[str], bool] = lambda _: True) -> Path:
    """Return the file of a reference.

    Raises:
        Problem: 404, the file does not exist or `may_see` denies it; 503, it can't be read now.
    """
    try:
        path = context.places.find_reference(reference)
    except FileNotFoundError:
        path = None
    except OSError as error:
        raise not_readable(reference, error) from error
    if path is None or not may_see(reference):
        raise no_image(reference)
    return path


class _Unusable(Exception):
    """The client sent an image that can't be used. The message gives the reason and what is allowed."""

    def __init__(self, message: str, code: FieldErrorCode = FieldErrorCode.UNREADABLE_IMAGE) -> None:
        super().__init__(message)
        self.code = code


def _from_data_uri(text: str) -> bytes:
    header, comma, data = text.partition(",")
    if not comma:
        raise _Unusable("the data URI has no comma; it must begin as in data:image/png;base64,")
    if header.lower().rstrip().endswith(";base64"):
        return _from_base64(_unquoted(data).decode("ascii", "replace") if "%" in data else data)
    return _unquoted(data)


def _unquoted(text: str) -> bytes:
    """Decode percent-escapes piece by piece, as each escape takes memory. No escape is split."""
    content, start = bytearray(), 0
    while start < len(text):
        end = start + _PIECE
        cut = text.find("%", end - 2, end)
        piece = text[start : cut if cut > start else end]
        content += unquote_to_bytes(piece)
        start += len(piece)
    return bytes(content)


def _from_base64(text: str) -> bytes:
    """Decode base64, padded or not, with or without line breaks, in either alphabet; by pieces, as each blocks the event loop."""
    for prefix, meaning in PREFIXES.items():
        if text.startswith(prefix):
            raise _Unusable(f"the text begins with {prefix}, {meaning}; send the base64 data alone")
    content, rest = bytearray(), b""
    padding = len(text[-64:]) - len(text[-64:].rstrip("= \r\n"))
    end = len(text) - padding
    try:
        for start in range(0, end, _PIECE):
            rest += text[start : min(start + _PIECE, end)].encode("ascii").translate(_STANDARD_ALPHABET, _WHITE_SPACE)
            whole = len(rest) // 4 * 4 if start + _PIECE < end else len(rest)
            digits, rest = rest[:whole], rest[whole:]
            content += base64.b64decode(digits + b"=" * (-whole % 4), validate=True)
            if len(content) > MAX_BYTES:
                raise _Unusable(f"the base64 data is larger than {MAX_BYTES // 2**20} MiB")
    except ValueError as error:
        raise _Unusable(f"{shortened(text)!r} is not an image; {_ALLOWED}") from error
    return bytes(content)


PREFIXES = {
    "b'": "as in Python's notation of bytes (call `.decode()`)",
    'b"': "as in Python's notation of bytes (call `.decode()`)",
    '"': "a quotation mark, as in text encoded as JSON twice",
    "'": "a quotation mark",
}
"""Beginnings of texts that wrap the base64 data in something else → the description of that."""
_PIECE = 2**18
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_WHITE_SPACE = b" \t\r\n\v\f"


def _is_url(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _address(parts: SplitResult) -> tuple[str, int | None]:
    """Return the host and the port to compare: all loopback names are equal, and a default port equals none."""
    host = (parts.hostname or "").lower()
    with contextlib.suppress(ValueError):
        host = "localhost" if ip_address(host).is_loopback else host
    return host, None if parts.port in (80, 443) else parts.port
