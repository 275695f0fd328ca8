"""Downloads an image that a client names by URL. Called by `images`, off the event loop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus

import requests
import urllib3
from requests.auth import HTTPBasicAuth

from ..tasks.inputs import MAX_BYTES

HEADERS = {"User-Agent": "fooocus-api", "Accept": "image/png, image/jpeg, image/webp, */*;q=0.1"}


@dataclass(frozen=True)
class Limits:
    """Seconds until connected, between two pieces of the answer and for all of it; bytes; redirects."""

    connect_s: float = 10
    silence_s: float = 20
    total_s: float = 60
    size: int = MAX_BYTES
    redirects: int = 5


DEFAULT_LIMITS = Limits()


class FetchError(Exception):
    """The URL gave nothing to use. The message goes on after the URL: `answers 404 Not Found`."""


def fetch(url: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """What is at an http or https URL.

    Raises:
        FetchError: it can't be reached, answers with an error, takes too long or is too large.
    """
    end = time.monotonic() + limits.total_s
    try:
        with _Session(url, limits.redirects) as session:
            timeout = (limits.connect_s, limits.silence_s)
            with session.get(url, headers=HEADERS, stream=True, timeout=timeout) as response:
                if not response.ok:
                    raise FetchError(f"answers {response.status_code} {_phrase(response)}".strip())
                return _body(response, limits, end)
    except requests.TooManyRedirects as error:
        raise FetchError(f"redirects more than {limits.redirects} times") from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        seconds = limits.connect_s if isinstance(error, requests.ConnectTimeout) else limits.silence_s
        raise FetchError(f"does not answer within {seconds:g} s") from error
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        raise FetchError(f"can't be reached: {_reason(error)}") from error


class _Session(requests.Session):
    """Sends the URL's own user and password, if any, and never what the owner of this machine keeps in `.netrc`."""

    def __init__(self, url: str, redirects: int) -> None:
        super().__init__()
        self.max_redirects = redirects
        user, password = requests.utils.get_auth_from_url(url)
        self.auth = HTTPBasicAuth(user, password) if user or password else lambda request: request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)


def _body(response: requests.Response, limits: Limits, end: float) -> bytes:
    too_large = f"is larger than {limits.size / 2**20:g} MiB"
    if int(response.headers.get("Content-Length", "0")) > limits.size:
        raise FetchError(too_large)
    # read1 gives what has come, so that a server that drips can't hold us; urllib3 before 2.1 has only read.
    read = getattr(response.raw, "read1", response.raw.read)
    content = bytearray()
    while piece := read(2**16, decode_content=True):
        content += piece
        if len(content) > limits.size:
            raise FetchError(too_large)
        if time.monotonic() > end:
            raise FetchError(f"takes longer than {limits.total_s:g} s")
    return bytes(content)


def _phrase(response: requests.Response) -> str:
    try:
        return HTTPStatus(response.status_code).phrase
    except ValueError:
        return response.reason or ""


def _reason(error: BaseException) -> str:
    """What the system said, without the wrapping of the libraries in between."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
