"""The answers of this process to requests of others for its tools: each is given once, unless its client has gone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...images.codecs.decoding import read_rgb
from ...images.storage.input_store import InputStore
from ...tasks.ports.engine import ParameterError
from ..messages.notices import ToolAnswer, ToolDone, ToolRequest, channel_of, to_json
from ..signals.fragments import MAX_MESSAGE, fits
from ..signals.sender import NotificationSender
from .answering import LOOK, OwnTools, answer_by, content_of, png_of
from .threads import Turn, run_on_thread

TOO_LARGE = (
    f"what the cluster's processes would send each other has more than {MAX_MESSAGE // 10**6} MB; "
    "send shorter prompts, fewer styles or fewer images"
)
MAX_ANSWERED = 64
"""Requests of other processes' clients that this one answers at a time, each on a thread."""
MAX_KEPT = 64
"""Answers that are kept until the process that asked has them: their messages may be lost."""
RETRY = "retry in a few seconds"

Asked = tuple[str, str]
"""The sender of a request, and its number."""


@dataclass(frozen=True)
class ToolPlace:
    """This process among those that have tools: its name, the store of images that all share, and its own tools, None for a
    gateway."""

    name: str
    inputs: InputStore
    own: OwnTools | None = None


class Answers:
    """Answers requests of other processes, whose messages come on the inbox's thread."""

    def __init__(self, place: ToolPlace, sender: NotificationSender) -> None:
        self._place = place
        self._sender = sender
        self._turns: dict[Asked, Turn] = {}
        self._given: OrderedDict[Asked, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(MAX_ANSWERED)

    def requested(self, sender: str, request: ToolRequest) -> None:
        """Answer another process's request, if it is for this one. Never waits.

        A request comes again when its message or its answer may be lost: an answer that was given is sent once more.
        """
        own, asked = self._place.own, (sender, request.number)
        if own is None or request.node != self._place.name:
            return
        with self._lock:
            given, is_known = self._given.get(asked), asked in self._turns
        if given is not None:
            self._sender.send(channel_of(sender), given)
        elif not is_known:
            self._begin(asked, request, own)

    def done(self, sender: str, notice: ToolDone) -> None:
        """Drop a request that its sender waits for no longer. Never waits."""
        asked = sender, notice.number
        with self._lock:
            self._given.pop(asked, None)
            turn = self._turns.get(asked)
            if turn is not None:
                turn.cancel()

    def _begin(self, asked: Asked, request: ToolRequest, own: OwnTools) -> None:
        is_limited = request.tool != LOOK  # each process asks for one at a time
        if is_limited and not self._free.acquire(blocking=False):
            words = f"node {self._place.name} has {MAX_ANSWERED} requests for tools, its maximum; {RETRY}"
            busy = ToolAnswer(request.number, {"unavailable": words, "is_busy": True})
            self._sender.send(channel_of(asked[0]), to_json(busy))
            return
        turn = Turn()
        with self._lock:
            self._turns[asked] = turn  # now: the sender may be done before the picture is decoded

        def ended() -> None:
            with self._lock:
                del self._turns[asked]
            if is_limited:
                self._free.release()

        run_on_thread(partial(self._answer, asked, request, own, turn), Future(), ended)

    def _answer(self, asked: Asked, request: ToolRequest, own: OwnTools, turn: Turn) -> None:
        picture = None
        try:
            image = None if request.image is None else read_rgb(self._place.inputs.path(request.image))
            if turn.is_cancelled():
                return
            content = answer_by(own, request.tool, dict(request.options), image, turn)
            made = content.pop("image", None)
            if made is not None and not turn.is_cancelled():
                picture, content["is_flat"] = self._place.inputs.add(png_of(made)), made.ndim == 2
        except Exception as error:
            if turn.is_cancelled():
                return
            content = content_of(error, request.tool)
        message = to_json(ToolAnswer(request.number, content, picture))
        if not fits(message):
            message = to_json(ToolAnswer(request.number, content_of(ParameterError(TOO_LARGE), request.tool)))
        with self._lock:
            if turn.is_cancelled():
                return
            self._given[asked] = message
            while len(self._given) > MAX_KEPT:
                self._given.popitem(last=False)
        self._sender.send(channel_of(asked[0]), message)
