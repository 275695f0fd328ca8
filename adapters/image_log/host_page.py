"""Stand-ins for the names by which the host's `log` reads and writes a day's page.

`modules.private_logger.log_cache` has the entries so far, and the host writes all of them for each image. Inside a `LogCall` it
gets a short marker instead, so that it composes a page of one entry. Elsewhere both names do what the host's own do.
Checked on Fooocus 2.5.0 to 2.5.5, mashb1t/Fooocus 2.6.5 and shaitanzx/Fooocus_extend 9.3.3.
"""

from __future__ import annotations

import builtins
import io
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MARKER = f"<!--entries-{uuid.uuid4().hex}-->"
"""Text that stands for the entries so far; no prompt contains it."""


class LogCalls(threading.local):
    """The call of the host's `log` on each thread: the pages it has asked for, with the entries that it has set."""

    pages: dict[Any, Any] | None = None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make the stand-ins active on this thread."""
        before, self.pages = self.pages, {}
        try:
            yield
        finally:
            self.pages = before


class EntriesSoFar(dict[Any, Any]):
    """The host's `log_cache`."""

    def __init__(self, calls: LogCalls) -> None:
        super().__init__()
        self._calls = calls

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key, default) if self._calls.pages is None else self[key]

    def __getitem__(self, key: Any) -> Any:
        pages = self._calls.pages
        return super().__getitem__(key) if pages is None else pages.setdefault(key, MARKER)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._calls.pages is None:
            super().__setitem__(key, value)
        else:
            self._calls.pages[key] = value

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) if self._calls.pages is None else True


class HostOpen:
    """The host's `open`: what it writes to a page that it has asked for goes to a function."""

    def __init__(self, calls: LogCalls, write: Callable[[str, str], None]) -> None:
        """Pass the page's path and its text to `write`."""
        self._calls = calls
        self._write = write

    def __call__(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self._calls.pages is not None and mode in ("w", "wt") and file in self._calls.pages:
            return PageText(lambda text: self._write(os.fspath(file), text))
        return builtins.open(file, mode, *args, **kwargs)


class PageText(io.StringIO):
    """A file whose text is passed on when it is closed, unless an exception has ended its `with`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._on_close: Callable[[str], None] | None = write

    def __exit__(self, error: Any, *details: Any) -> None:
        if error is not None:
            self._on_close = None
        super().__exit__(error, *details)

    def close(self) -> None:
        write, self._on_close = self._on_close, None
        text = "" if self.closed else self.getvalue()
        super().close()
        if write is not None:
            write(text)
