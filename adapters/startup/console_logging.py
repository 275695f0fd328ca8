"""Log lines of the extension on the host's console: one per event, with the task's id, as text or JSON (`--log-json`).

`log.info("task finished", extra={"task_id": …, "images": 2})` anywhere under the logger `fooocus_api` becomes such a line. A
separate thread writes the lines, because a console can block (on Windows while text is selected in it), and it writes them above
a progress bar, not through it. The root logger's handlers never receive them, so no line appears twice.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import sys
from datetime import datetime, timezone
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from tqdm import tqdm

NAME = "fooocus_api"
ACCESS_LOG = "uvicorn.access"
_CREDENTIALS = re.compile(r"(?<=[?&])(token|signature)=[^&\s]*", re.IGNORECASE)
_STANDARD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime"}


class Logs:
    """The one handler of the extension's loggers, from `start` to `stop`."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(NAME)
        self._console = ConsoleHandler()
        self._console.setFormatter(TextFormatter())
        lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._handler = FormattingQueueHandler(lines)
        self._listener = QueueListener(lines, self._console)

    def start(self) -> None:
        logging.getLogger(ACCESS_LOG).addFilter(redact_credentials)
        self._logger.addHandler(self._handler)
        self._logger.propagate = False
        self._logger.setLevel(logging.INFO)
        self._listener.start()

    def configure(self, level: str, *, as_json: bool) -> None:
        """Apply the launch flags, once they are parsed."""
        self._logger.setLevel(level.upper())
        if as_json:
            self._console.setFormatter(JsonFormatter())

    def stop(self) -> None:
        """Write the pending lines, and restore the loggers. A second call changes nothing."""
        if self._handler not in self._logger.handlers:
            return
        logging.getLogger(ACCESS_LOG).removeFilter(redact_credentials)
        self._logger.removeHandler(self._handler)
        self._logger.propagate = True
        self._logger.setLevel(logging.NOTSET)
        self._listener.stop()


def redact_credentials(record: logging.LogRecord) -> bool:
    """Redact tokens and signatures in uvicorn's access log, which Fooocus disables by default. Return True always."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            _CREDENTIALS.sub(r"\1=…", value) if isinstance(value, str) else value for value in record.args
        )
    return True


class FormattingQueueHandler(QueueHandler):
    """Queue handler that formats a record's message before queueing it, since its arguments may change before it is written."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.msg, record.args = record.getMessage(), None
        return record


class ConsoleHandler(logging.Handler):
    """Writes to stdout, in whole lines, above the progress bars that stderr shows on the same console."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stdout is None:
            return
        try:
            line = _writable(f"{self.format(record)}\n", sys.stdout)
            with tqdm.external_write_mode(file=sys.stdout):
                sys.stdout.write(line)  # at once: Fooocus's threads print on the same console
                sys.stdout.flush()
        except Exception:  # a closed console must not break the caller
            self.handleError(record)


def _writable(line: str, stream: Any) -> str:
    """Return a line with characters that the stream's encoding lacks as JSON escapes, so that a JSON line stays valid JSON."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if _fits(line, encoding):
        return line
    return "".join(each if _fits(each, encoding) else json.dumps(each)[1:-1] for each in line)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (LookupError, UnicodeError):
        return text.isascii()
    return True


class TextFormatter(logging.Formatter):
    """Formats a record as `2026-01-31 12:00:00 [Fooocus API] task finished task_id=… images=2`; from warning up with level."""

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        extra = "".join(f" {name}={_plain(value)}" for name, value in _extra_fields(record).items())
        line = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')} [Fooocus API] {level}{_one_line(record.getMessage())}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object per line: `time` (ISO 8601, UTC), `level`, `logger`, `event`, its extra fields, and
    `exception` if any."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_extra_fields(record),
        }
        if record.exc_info:
            extra["exception"] = self.formatException(record.exc_info)
        return json.dumps(extra, ensure_ascii=False, default=str)


def _extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS and value is not None}


def _plain(value: Any) -> str:
    """Return a single printable word unchanged, any other value as JSON, so that client input can't break the line format."""
    text = str(value)
    return text if text and text.isprintable() and not set(' "=') & set(text) else json.dumps(text, ensure_ascii=True)


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text, ensure_ascii=True)
