"""A typed client of Fooocus API, synchronous and asynchronous, and the command line `fooocus`."""

from __future__ import annotations

from .aio.client import AsyncClient
from .calls.tasks import Missed, Previews, TaskUpdate
from .schema.batches import Batch, BatchResult
from .schema.events import StreamMessage
from .schema.image_source import ImageSource
from .schema.images import Image, Upload
from .schema.items import EnhanceControl, ImagePrompt, Lora
from .schema.requests import GenerateFields
from .schema.tasks import Task, TaskCard
from .sync.client import Client
from .wire.errors import (
    ApiError,
    ConnectionFailed,
    FieldProblem,
    FooocusError,
    InvalidFields,
    LimitReached,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    TaskFailed,
    Unavailable,
    UnexpectedAnswer,
    WrongState,
)
from .wire.image_files import picture_of
from .wire.version import VERSION

__version__ = VERSION

__all__ = [
    "ApiError",
    "AsyncClient",
    "Batch",
    "BatchResult",
    "Client",
    "ConnectionFailed",
    "EnhanceControl",
    "FieldProblem",
    "FooocusError",
    "GenerateFields",
    "Image",
    "ImagePrompt",
    "ImageSource",
    "InvalidFields",
    "LimitReached",
    "Lora",
    "Missed",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "Previews",
    "StreamMessage",
    "Task",
    "TaskCard",
    "TaskFailed",
    "TaskUpdate",
    "Unavailable",
    "UnexpectedAnswer",
    "Upload",
    "WrongState",
    "picture_of",
]
