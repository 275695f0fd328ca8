"""A depot in an object store that speaks S3's protocol. Its driver is imported by the first object of this class alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .depot import DepotProblem, DepotUnavailable
from .local_copies import LocalCopies

if TYPE_CHECKING:
    from obstore.store import S3Store

CHECK_INTERVAL_S = 1.0
"""Seconds for which a file that was found in the store counts as being there, so that not each request asks for it."""
MAX_REMEMBERED = 10_000
RETRY_S = 15
"""Seconds after which a request to the store that is repeated gives up: a client of the API may wait for it."""
FETCH_ATTEMPTS = 3


class ObjectDepot:
    """A `Depot` in a bucket, or below a prefix of it, with copies of what was fetched on this machine."""

    def __init__(self, url: str, copies: LocalCopies) -> None:
        """Use the bucket of `s3://bucket/prefix`. Contacts nothing.

        The endpoint, the region and the credentials come from the environment: `AWS_ENDPOINT_URL`, `AWS_REGION`,
        `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and their like, or from the machine's role.

        Raises:
            DepotProblem: the driver is missing, or the URL is wrong.
        """
        self._store = _store(url)
        self._copies = copies
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        """Key → the clock's time at which it was last found in the store."""

    def put(self, key: str, content: Path | bytes) -> None:
        try:
            with _explained(f"{key} can't be stored"):
                self._store.put(key, content)
        except FileNotFoundError as error:
            if isinstance(content, Path) and not content.exists():
                raise
            raise DepotUnavailable(
                f"{key} can't be stored: the bucket does not exist; create it, or check --api-files"
            ) from error
        self._forget(key)

    def local(self, key: str) -> Path | None:
        with self._turn(key):  # two requests for a file fetch it once
            path = self._copies.place(key)
            if self._was_just_seen(key) and path.is_file():
                return path
            for attempt in range(FETCH_ATTEMPTS):
                try:
                    return self._fetched(key)
                except DepotUnavailable:  # also if the connection broke in the middle
                    if attempt == FETCH_ATTEMPTS - 1:
                        raise
        raise AssertionError("unreachable")

    def place(self, key: str) -> Path:
        return self._copies.place(key)

    def changed_at(self, key: str) -> float | None:
        try:
            with _explained(f"{key} can't be looked up"):
                return self._store.head(key)["last_modified"].timestamp()
        except FileNotFoundError:
            return None

    def delete(self, keys: Sequence[str]) -> dict[str, OSError]:
        if not keys:
            return {}
        try:
            with _explained("files can't be deleted"):
                self._store.delete(list(keys))
        except FileNotFoundError:
            pass
        except DepotUnavailable as error:
            return dict.fromkeys(keys, error)
        for key in keys:
            self._forget(key)
        return {}

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        with _explained(f"the files in {prefix} can't be listed"):
            for part in self._store.list(prefix):
                for each in part:
                    yield each["path"], each["last_modified"].timestamp()

    def _fetched(self, key: str) -> Path | None:
        """Return an up-to-date copy, None if the store has no such file."""
        try:
            with _explained(f"{key} can't be fetched"):
                found = self._store.head(key)
                changed_at = found["last_modified"].timestamp()
                path = self._copies.get(key, changed_at, found["size"])
                if path is None:
                    path = self._copies.add(key, changed_at, map(bytes, self._store.get(key).stream()))
        except FileNotFoundError:
            self._forget(key)
            return None
        with self._lock:
            if len(self._seen) >= MAX_REMEMBERED:
                self._seen.clear()
            self._seen[key] = time.monotonic()
        return path

    def _forget(self, key: str) -> None:
        """Drop what is known of a key, which has another content now, or none."""
        with self._lock:
            self._seen.pop(key, None)
        self._copies.drop(key)

    def _was_just_seen(self, key: str) -> bool:
        with self._lock:
            return time.monotonic() - self._seen.get(key, float("-inf")) < CHECK_INTERVAL_S

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
        with turn.lock:
            yield


class _Turn:
    """A lock that a weak dictionary can hold."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Raise the driver's errors as `DepotUnavailable`, which begins with `what`. A missing file stays a `FileNotFoundError`."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (FileNotFoundError, DepotUnavailable):
        raise
    except (BaseError, OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise DepotUnavailable(f"{what}: {text[:300] or type(error).__name__}") from error


def _store(url: str) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError as error:
        message = "the driver for s3:// is missing; pip install -r requirements-cluster.txt into Fooocus's Python"
        raise DepotProblem(message) from error
    from obstore.exceptions import BaseError

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    try:
        store: S3Store = _made(S3Store.from_url, url, endpoint)
    except (BaseError, ValueError) as error:
        raise DepotProblem(f"--api-files {url} can't be used: {' '.join(str(error).split())[:300]}") from error
    return store


def _made(make: Callable[..., Any], url: str, endpoint: str) -> Any:
    config = {"endpoint": endpoint} if endpoint else {}
    return make(
        url,
        config=config,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "120s", "connect_timeout": "5s"},
        retry_config={
            "max_retries": 5,
            "retry_timeout": timedelta(seconds=RETRY_S),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=2), "base": 2},
        },
    )
