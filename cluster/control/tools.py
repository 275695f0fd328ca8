"""The tools of the cluster's nodes: any process asks one of them, by messages, with images through the place of all images."""

from __future__ import annotations

import io
import queue
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from PIL import Image as PILImage

from ...images.codecs.decoding import read_rgb
from ...images.storage.input_store import InputStore
from ...tasks.model.task import TaskError
from ...tasks.ports.engine import EngineUnavailable, ParameterError, ToolsBusy
from ...tasks.ports.prompts import Prompts, ResolvedPrompt
from ...tasks.ports.tools import DescribeKind, MaskOptions, Picture, ToolFailed, Tools, UnloadResult
from ..messages.notices import EVERYONE, ToolAnswer, ToolRequest, channel_of, to_json
from ..nodes.registry import NodeRecord
from ..signals.fragments import MAX_MESSAGE, fits
from ..signals.sender import NotificationSender
from .answering import LOOK, OwnTools, answer_by, content_of, seconds_for
from .prompts import EXPAND, RESOLVE, from_content, to_content
from .threads import run_on_thread

T = TypeVar("T")
LOOK_S = 2.0
"""Seconds between two looks whether the asked node is still there."""
TOO_LARGE = (
    f"what the cluster's processes would send each other has more than {MAX_MESSAGE // 10**6} MB; "
    "send shorter prompts, fewer styles or fewer images"
)
MAX_ASKED = 32
"""Requests of clients for tools that wait at this process at a time, each on a thread."""
MAX_ANSWERED = 64
"""Requests of other processes' clients that this one answers at a time, each on a thread."""
RETRY = "retry in a few seconds"
NO_NODE = "no node of the cluster takes requests now; start Fooocus with --cluster and this --api-db"


@dataclass(frozen=True)
class ToolPlace:
    """This process among those that have tools: its name, the store of images that all share, and its own tools, None for a
    gateway."""

    name: str
    inputs: InputStore
    own: OwnTools | None = None


class ClusterTools:
    """Implements `tasks.ports.tools.ToolsOfNodes`: asks nodes, and answers them."""

    def __init__(self, place: ToolPlace, sender: NotificationSender, known: Callable[[], Sequence[NodeRecord]]) -> None:
        """Store the dependencies.

        Args:
            known: returns all processes as read a moment ago. It may block.
        """
        self._place = place
        self._sender = sender
        self._known = known
        self._answers: dict[str, queue.SimpleQueue[ToolAnswer]] = {}
        self._looks: dict[str, Future[dict[str, Any]]] = {}
        self._looking = threading.Lock()
        self._asked = threading.BoundedSemaphore(MAX_ASKED)
        self._answered = threading.BoundedSemaphore(MAX_ANSWERED)

    # ---------------------------------------------------------------------- asking

    def names(self) -> list[str]:
        return [one.name for one in self._serving()]

    def of(self, node: str | None) -> Tools:
        return NodeTools(self, node)

    def prompts(self) -> Prompts:
        return NodePrompts(self)

    def look(self, within_s: float) -> None:
        names = self.names()
        with self._looking:
            unanswered = {name: look for name, look in self._looks.items() if not look.done()}
            asked = {
                name: self.begin(partial(self.ask, name, LOOK, {}, None)) for name in names if name not in unanswered
            }
            self._looks = unanswered | asked
        wait(asked.values(), within_s)

    def begin_for_client(self, action: Callable[[Callable[[], bool]], T]) -> Future[T]:
        """Run an action on a thread of its own, if not too many run for clients. The future has its result, or `ToolsBusy`.

        The action gets a function that returns whether its client has gone.
        """
        future: Future[T] = Future()
        if self._asked.acquire(blocking=False):
            return run_on_thread(partial(action, future.cancelled), future, self._asked.release)
        future.set_exception(ToolsBusy(f"{MAX_ASKED} requests for tools wait at this process, its maximum; {RETRY}"))
        return future

    def begin(self, action: Callable[[], T]) -> Future[T]:
        """Run an action on a thread of its own, and return its future result. Returns at once."""
        return run_on_thread(action, Future())

    def ask(
        self,
        node: str | None,
        tool: str,
        options: dict[str, Any],
        image: Picture | None,
        has_gone: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Return the content of a node's answer, with its picture as `image` if there is one. Blocking.

        Args:
            has_gone: returns whether the client has gone, so that there is nothing to wait for.

        Raises:
            ToolsBusy: the node answers as many requests as it may.
            ToolFailed: the tool has failed there.
            ParameterError: the node refuses the options, or they are too large to be sent, as its answer may be.
            EngineUnavailable: no node answers; the message says why.
            StorageUnavailable: the image can't be stored.
        """
        serving = self._serving()
        chosen = next((one for one in serving if node is None or one.name == node), None)
        if chosen is None:
            raise EngineUnavailable(NO_NODE if node is None else f"node {node} takes no requests now")
        if chosen.name == self._place.name and self._place.own is not None:
            return answer_by(self._place.own, tool, options, image)
        name = None if image is None else self._place.inputs.add(_png(image))
        request = ToolRequest(secrets.token_hex(8), chosen.name, tool, options, name)
        message = to_json(request)
        if not fits(message):
            raise ParameterError(TOO_LARGE)
        if has_gone():
            raise EngineUnavailable("the client has gone")
        answers = self._answers[request.number] = queue.SimpleQueue()
        try:
            self._sender.send(EVERYONE, message)
            answer = self._waited(answers, chosen.name, seconds_for(tool), has_gone)
        finally:
            del self._answers[request.number]
        return self._content(answer)

    def _waited(
        self, answers: queue.SimpleQueue[ToolAnswer], node: str, within_s: float, has_gone: Callable[[], bool]
    ) -> ToolAnswer:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            try:
                return answers.get(timeout=LOOK_S)
            except queue.Empty:
                if has_gone():
                    raise EngineUnavailable("the client has gone") from None
                if all(one.name != node or one.state in ("stopped", "lost") for one in self._known()):
                    raise EngineUnavailable(f"node {node} has ended; send the request again") from None
        raise EngineUnavailable(f"node {node} has not answered within {within_s:.0f} s; it may be busy")

    def _content(self, answer: ToolAnswer) -> dict[str, Any]:
        content = answer.content
        if "error" in content:
            raise ToolFailed(TaskError(str(content["error"]["type"]), str(content["error"]["message"])))
        if "refused" in content:
            raise ParameterError(str(content["refused"]["message"]), content["refused"]["field"])
        if "unavailable" in content:
            raise (ToolsBusy if content.get("is_busy") else EngineUnavailable)(str(content["unavailable"]))
        if answer.image is not None:
            picture = read_rgb(self._place.inputs.path(answer.image))
            return {**content, "image": picture[:, :, 0].copy() if content.get("is_flat") else picture}
        return content

    def _serving(self) -> list[NodeRecord]:
        """Return the nodes that take requests, idle ones first."""
        return sorted((one for one in self._known() if one.is_serving), key=lambda one: (one.state != "idle", one.name))

    # ------------------------------------------------------------------- answering

    def requested(self, sender: str, request: ToolRequest) -> None:
        """Answer another process's request, if it is for this one. Never waits."""
        own = self._place.own
        if own is None or request.node != self._place.name:
            return
        if request.tool == LOOK:  # each process asks for one at a time
            self.begin(partial(self._answer, sender, request, own))
            return
        if self._answered.acquire(blocking=False):
            run_on_thread(partial(self._answer, sender, request, own), Future(), self._answered.release)
            return
        words = f"node {self._place.name} has {MAX_ANSWERED} requests for tools, its maximum; {RETRY}"
        busy = ToolAnswer(request.number, {"unavailable": words, "is_busy": True})
        self._sender.send(channel_of(sender), to_json(busy))

    def answered(self, _: str, answer: ToolAnswer) -> None:
        """Take an answer to a request of this process."""
        waiting = self._answers.get(answer.number)
        if waiting is not None:
            waiting.put(answer)

    def _answer(self, sender: str, request: ToolRequest, own: OwnTools) -> None:
        picture = None
        try:
            image = None if request.image is None else read_rgb(self._place.inputs.path(request.image))
            content = answer_by(own, request.tool, dict(request.options), image)
            made = content.pop("image", None)
            if made is not None:
                picture, content["is_flat"] = self._place.inputs.add(_png(made)), made.ndim == 2
        except Exception as error:
            content = content_of(error, request.tool)
        message = to_json(ToolAnswer(request.number, content, picture))
        if not fits(message):
            message = to_json(ToolAnswer(request.number, content_of(ParameterError(TOO_LARGE), request.tool)))
        self._sender.send(channel_of(sender), message)


class NodeTools:
    """Implements `tasks.ports.tools.Tools` on the node of a name; None for any node, and for an unload for all of them."""

    def __init__(self, tools: ClusterTools, node: str | None) -> None:
        self._tools = tools
        self._node = node

    def describe(self, image: Picture, kind: DescribeKind) -> Future[str]:
        def run(has_gone: Callable[[], bool]) -> str:
            return str(self._tools.ask(self._node, "describe", {"kind": kind}, image, has_gone)["text"])

        return self._tools.begin_for_client(run)

    def mask(self, image: Picture, options: MaskOptions) -> Future[Picture]:
        def run(has_gone: Callable[[], bool]) -> Picture:
            picture: Picture = self._tools.ask(self._node, "mask", asdict(options), image, has_gone)["image"]
            return picture

        return self._tools.begin_for_client(run)

    def unload(self) -> Future[UnloadResult]:
        return self._tools.begin(self._unload)

    def _unload(self) -> UnloadResult:
        nodes = self._tools.names() if self._node is None else [self._node]
        if not nodes:
            raise EngineUnavailable(NO_NODE)
        asked = [self._tools.begin(partial(self._tools.ask, node, "unload", {}, None)) for node in nodes]
        return _sum([one.result() for one in asked])


class NodePrompts:
    """Implements `tasks.ports.prompts.Prompts` on a free node."""

    def __init__(self, tools: ClusterTools) -> None:
        self._tools = tools

    def resolve(self, parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> Future[list[ResolvedPrompt]]:
        options = {"parameters": parameters, "seed": seed, "indexes": [*indexes]}

        def run(has_gone: Callable[[], bool]) -> list[ResolvedPrompt]:
            return from_content(self._tools.ask(None, RESOLVE, options, None, has_gone)["prompts"])

        return self._tools.begin_for_client(run)

    def expand(self, prompts: Sequence[ResolvedPrompt]) -> Future[list[str]]:
        options = {"prompts": to_content(prompts)}

        def run(has_gone: Callable[[], bool]) -> list[str]:
            return [str(text) for text in self._tools.ask(None, EXPAND, options, None, has_gone)["texts"]]

        return self._tools.begin_for_client(run)


def _sum(answers: Collection[dict[str, Any]]) -> UnloadResult:
    freed = [int(one["freed"]) for one in answers if one["freed"] is not None]
    return UnloadResult(sum(freed) if freed else None, str(next(iter(answers))["device"]))


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    PILImage.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
