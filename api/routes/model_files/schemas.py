"""Model files on the wire: requests for downloads, states of downloads, and lists of files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ....model_files.kinds import FileKind
from ....tasks.model_files.installed import InstalledFile
from ....tasks.model_files.receiving.records import DownloadErrorCode, DownloadRecord, DownloadState

MAX_URL_LENGTH = 4096
MAX_HEADERS = 16
SHA256_PATTERN = "^[0-9a-fA-F]{64}$"

HEADERS = (
    "Headers for the server of `url`, such as `Authorization`. They are sent to no other server, and kept in memory only, until "
    "the download ends."
)


class ModelFileRequest(BaseModel):
    """A model file to download."""

    model_config = ConfigDict(extra="allow")

    url: str = Field(
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description="The https address of the file. Plain http is only for networks of `--allow-private-urls`.",
    )
    folder: str = Field(
        min_length=1,
        max_length=100,
        description="The folder, such as `checkpoints`, `loras`, `vae` or `embeddings`; `GET` lists them.",
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="The file's name, with sub-folders if wanted: `sdxl/name.safetensors`. Default: the server's name.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=SHA256_PATTERN,
        description="The file's SHA-256 in 64 hexadecimal digits; a file with another one is refused.",
    )
    size: int | None = Field(
        default=None, ge=1, le=10**13, description="The file's size in bytes; a file with another one is refused."
    )
    headers: dict[str, str] | None = Field(default=None, description=HEADERS)


class ResumeRequest(BaseModel):
    """Credentials for a download that continues. Without them, those that the server still has are used."""

    model_config = ConfigDict(extra="allow")

    url: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description="The file's address, if it has changed or contains credentials.",
    )
    headers: dict[str, str] | None = Field(default=None, description=HEADERS)


class DownloadErrorModel(BaseModel):
    """The reason for which a download failed or is paused."""

    code: DownloadErrorCode = Field(description="The kind of the reason; stable, unlike the sentence.")
    message: str = Field(description="The reason in words that may change.")


class DownloadResponse(BaseModel):
    """State of a download. An event has the same members."""

    id: str = Field(description="The id of the download.")
    state: DownloadState = Field(
        description="`waiting`, `downloading`, `checking`, `done`, `failed`, `cancelled`, or `paused`: it needs its credentials "
        "again since a restart. `failed` and `paused` can be resumed."
    )
    folder: str = Field(description="The folder that the file goes to.")
    name: str | None = Field(description="The file's name below the folder; null until the server has answered.")
    url: str = Field(description="The requested address; credentials in it are masked.")
    received: int = Field(description="Bytes received so far.")
    total: int | None = Field(description="Bytes of the whole file; null while unknown.")
    speed: int | None = Field(description="Bytes per second; null unless the file is being received.")
    eta_seconds: float | None = Field(description="Seconds until the last byte; null while unknown.")
    sha256: str | None = Field(description="The complete file's SHA-256.")
    error: DownloadErrorModel | None = Field(description="The reason if the state is `failed` or `paused`.")
    created_at: int = Field(description="Time of the request, in milliseconds since 1970.")
    ended_at: int | None = Field(description="Time of the end, in milliseconds since 1970.")

    @classmethod
    def of(cls, record: DownloadRecord) -> DownloadResponse:
        """Return a state as it is sent."""
        error = record.error
        return cls(
            id=record.download_id,
            state=record.state,
            folder=record.folder,
            name=record.name,
            url=record.url,
            received=record.received,
            total=record.total,
            speed=record.speed,
            eta_seconds=record.eta_seconds,
            sha256=record.sha256,
            error=None if error is None else DownloadErrorModel(code=error.code, message=error.message),
            created_at=record.created_at,
            ended_at=record.ended_at,
        )


class ModelFileResponse(BaseModel):
    """A model file on this machine."""

    name: str = Field(description="The file's name below its folder.")
    kind: FileKind = Field(description="The format: `safetensors`, `pickle` or `onnx`.")
    size: int = Field(description="Size in bytes.")
    modified_at: int = Field(description="Time of the last change, in milliseconds since 1970.")
    sha256: str | None = Field(description="The SHA-256 if this server has downloaded the file, else null.")
    short_hash: str | None = Field(
        description="The first ten digits of the SHA-256 (AutoV2), if this server or Fooocus has computed it, else null."
    )

    @classmethod
    def of(cls, file: InstalledFile) -> ModelFileResponse:
        """Return a file as it is sent."""
        return cls(**vars(file))


class ModelFilesResponse(BaseModel):
    """The model files by folder, and the downloads, the newest first."""

    files: dict[str, list[ModelFileResponse]] = Field(description="Folder → its files.")
    downloads: list[DownloadResponse] = Field(description="Downloads that have not ended, and the last ones that have.")


class DownloadsResponse(BaseModel):
    """The downloads, the newest first."""

    downloads: list[DownloadResponse] = Field(description="Downloads that have not ended, and the last ones that have.")
