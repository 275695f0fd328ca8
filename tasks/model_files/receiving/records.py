"""A download's request, its state, and the reasons for which it fails: values without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ....model_files.names import has_credentials, without_credentials


class DownloadState(str, Enum):
    """State of a download. `paused` waits for credentials since a restart; `failed` and `paused` can be resumed."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    CHECKING = "checking"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_active(self) -> bool:
        """True if the server works on it, or will without further requests."""
        return self in (DownloadState.WAITING, DownloadState.DOWNLOADING, DownloadState.CHECKING)

    @property
    def is_resumable(self) -> bool:
        return self in (DownloadState.PAUSED, DownloadState.FAILED)

    @property
    def is_unfinished(self) -> bool:
        """True if the download may still become `done`."""
        return self.is_active or self.is_resumable


class DownloadErrorCode(str, Enum):
    """Reason for which a download failed or is paused, with its meaning. `docs/model-files.md` prints them."""

    meaning: str
    keeps_part: bool

    def __new__(cls, code: str, meaning: str, keeps_part: bool = False) -> DownloadErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.keeps_part = keeps_part
        return member

    URL_REFUSED = "url_refused", "The URL, or one that it redirects to, leads to an address that is not allowed.", True
    UNAUTHORIZED = "unauthorized", "The server wants a token, or refuses the one in `headers`.", True
    NOT_FOUND = "not_found", "The server has no such file."
    SERVER_ERROR = "server_error", "The server answers with another error, repeatedly if it may be temporary.", True
    UNREACHABLE = "unreachable", "The server does not answer, or the connection broke, in every attempt.", True
    NOT_CONTINUED = (
        "not_continued",
        "The connection broke in every attempt, and the server can't send the rest of a file.",
        True,
    )
    NOT_A_MODEL_FILE = "not_a_model_file", "The server sends a web page: often a token is missing."
    NAME_REFUSED = "name_refused", "The server's name for the file is not allowed in the folder; send a `name`."
    NAME_TAKEN = "name_taken", "The folder has a file of this name."
    PICKLE_REFUSED = "pickle_refused", "The file is a pickle, which can run code; see `--allow-pickle-models`."
    SIZE_MISMATCH = "size_mismatch", "The file has another size than `size`, or than the server announced."
    CHECKSUM_MISMATCH = "checksum_mismatch", "The file has another SHA-256 than `sha256`, or than the server announced."
    HEADER_INVALID = "header_invalid", "The file is not a complete safetensors file, or it has no tensors."
    DISK_FULL = "disk_full", "The file would leave less disk space free than `--model-disk-reserve`.", True
    STORAGE_FAILED = "storage_failed", "The file can't be written or renamed.", True
    CREDENTIALS_NEEDED = (
        "credentials_needed",
        "The server was restarted, and keeps no credentials: resume with `headers`, or with the whole `url`.",
        True,
    )
    INTERNAL = "internal", "The download itself failed; Fooocus's console has the details.", True


@dataclass(frozen=True)
class DownloadProblem:
    """A reason and its words."""

    code: DownloadErrorCode
    message: str


class DownloadFailed(Exception):
    """An attempt failed. `is_transient` if another one may succeed; `retry_after_s` is the server's wish."""

    def __init__(
        self, code: DownloadErrorCode, message: str, *, is_transient: bool = False, retry_after_s: float = 0
    ) -> None:
        super().__init__(message)
        self.problem = DownloadProblem(code, message)
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class DownloadRequest:
    """A file to download: `name` is its path below the folder, None for the server's name; `size` is in bytes, `sha256` in lower
    case. URL and headers may contain credentials: neither is stored, shown or logged as it is."""

    url: str = field(repr=False)
    folder: str
    name: str | None = None
    sha256: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown_url(self) -> str:
        """The URL without credentials."""
        return without_credentials(self.url)

    @property
    def has_credentials(self) -> bool:
        """True if a restart loses a part of the request."""
        return bool(self.headers) or has_credentials(self.url)


@dataclass(frozen=True)
class DownloadRecord:
    """State of a download at one moment; `version` counts its changes.

    Sizes are in bytes, `speed` in bytes per second, times in milliseconds since 1970. `url` is without credentials. `total` is
    None while it is unknown, `sha256` until it is computed, `name` until the server has answered.
    """

    download_id: str
    folder: str
    url: str
    created_at: int
    name: str | None = None
    state: DownloadState = DownloadState.WAITING
    received: int = 0
    total: int | None = None
    speed: int | None = None
    sha256: str | None = None
    error: DownloadProblem | None = None
    ended_at: int | None = None
    version: int = 0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until the last byte at this speed, None if it can't be estimated."""
        if self.total is None or not self.speed or self.state is not DownloadState.DOWNLOADING:
            return None
        return round((self.total - self.received) / self.speed, 1)
