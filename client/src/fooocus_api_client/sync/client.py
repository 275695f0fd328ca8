"""The client: generates, waits, follows, and leads to the other subjects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Optional, Union

import httpx

from ..calls import generation, tools
from ..schema.events import StreamMessage
from ..schema.image_source import ImageSource
from ..schema.images import Image, Upload
from ..schema.requests import GenerateFields
from ..schema.tasks import Task
from ..wire.connection import DEFAULT_URL, TIMEOUT_S, Server
from ..wire.image_names import paths_of, write_whole
from ..wire.problems import succeeded
from ..wire.retries import DEFAULT_RETRIES
from .batches import Batches
from .catalog import Catalog
from .tasks import ENDS, Tasks, TaskUpdate
from .tools import Tools
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Client:
    """A Fooocus with the API.

    Args:
        url: its address; a path of a proxy may follow.
        key: an API key, where the server asks for one.
        retries: further attempts after errors that pass: broken connections, 429, 502, 503 and 504. Once the server has answered,
            generating and waiting continue for five minutes in place of that, so that they outlast a restart of Fooocus.
        http: a client of httpx with settings of its own, such as a proxy or certificates; it stays open.
        timeout: seconds without a byte after which a connection counts as broken; the server sends some more often.

    Fields of a request are those of `POST /v1/engine/generate`; one that is left out has the default of the running Fooocus.
    An image is a path (`pathlib.Path`), the content of a file, or a text as the API takes it.

    Every method may raise the errors of `fooocus_api_client.FooocusError`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: Optional[str] = None,
        *,
        retries: int = DEFAULT_RETRIES,
        http: Optional[httpx.Client] = None,
        timeout: float = TIMEOUT_S,
    ) -> None:
        self._transport = Transport(Server(url, (key or "").strip() or None, timeout), retries, http)
        self.tasks = Tasks(self._transport)
        self.batches = Batches(self._transport)
        self.catalog = Catalog(self._transport)
        self.tools = Tools(self._transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def url(self) -> str:
        """The server's address, without a name and a password in it."""
        return self._transport.server.shown

    def generate(
        self,
        prompt: str = "",
        *,
        on_update: Optional[Callable[[TaskUpdate], object]] = None,
        idempotency_key: Optional[str] = None,
        **fields: Unpack[GenerateFields],
    ) -> Task:
        """Generate and return the record once the task has ended. A task that someone stopped has the status `stopped`.

        Args:
            on_update: receives each event of the task, with previews.

        Raises:
            InvalidFields: the request can't work; the error names the fields.
            TaskFailed: Fooocus failed on it.
        """
        body = generation.body_of(prompt, fields)
        key = idempotency_key or generation.new_key()
        if on_update is not None:
            task = self._transport.call(generation.pending(body, key))
            return self.tasks.wait(task.task_id, on_update=on_update)
        call, rounds = generation.record(body, key), generation.Rounds()
        task = self._transport.call(call)
        while task.task_status not in ENDS:  # the events would need a key with the scope to read
            time.sleep(rounds.pause())
            task = self._transport.call(call)
        return succeeded(task)

    def submit(
        self, prompt: str = "", *, idempotency_key: Optional[str] = None, **fields: Unpack[GenerateFields]
    ) -> Task:
        """Put a task into the queue and return its record at once; `tasks.wait` waits for its end.

        Raises:
            TaskFailed: the same request with this `idempotency_key` was sent before, and Fooocus has failed on its task.
        """
        return self._transport.call(generation.pending(generation.body_of(prompt, fields), idempotency_key))

    def stream(
        self, prompt: str = "", *, idempotency_key: Optional[str] = None, **fields: Unpack[GenerateFields]
    ) -> Iterator[StreamMessage]:
        """Generate and yield the progress, with previews as data URIs. The last message has the URLs of the images."""
        key = idempotency_key or generation.new_key()
        stream = generation.stream(generation.body_of(prompt, fields), key, self._transport.retries)
        for message in self._transport.events(stream):
            yield message

    def image(
        self,
        prompt: str = "",
        *,
        image_format: str = "png",
        idempotency_key: Optional[str] = None,
        **fields: Unpack[GenerateFields],
    ) -> bytes:
        """Generate one image and return its file: png, jpeg or webp."""
        key = idempotency_key or generation.new_key()
        call = generation.image(generation.body_of(prompt, fields), key, image_format)
        rounds = generation.Rounds()
        content = self._transport.call(call)
        while content is None:
            time.sleep(rounds.pause())
            content = self._transport.call(call)
        return content

    def upload(self, image: ImageSource) -> Upload:
        """Store an image; its `url` can stand for it in later requests. A text is the path of a file here."""
        return self._transport.call(tools.upload(image))

    def download(self, image: Union[Image, str], *, image_format: Optional[str] = None) -> bytes:
        """Return the file of an image, given as such or by its URL; converted if a format is given."""
        url = image if isinstance(image, str) else image.url
        return self._transport.call(tools.download(url, image_format))

    def save(self, images: Union[Task, Image], path: Union[str, Path]) -> list[Path]:
        """Save the images of a task, or one image, and return the paths of the files.

        Args:
            path: a file, or a folder that exists or ends with a slash, which gets the server's names. Several images get numbers:
                `cat.png` becomes `cat-1.png`, `cat-2.png`. The ending decides on the format: png, jpg, jpeg or webp.
        """
        chosen = images.images if isinstance(images, Task) else [images]
        saved = paths_of([image.url for image in chosen], path)
        for image, file in zip(chosen, saved):
            content = self.download(image, image_format=tools.format_of(file))
            write_whole(file, content)
        return saved
