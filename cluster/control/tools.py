"""The tools of the cluster's nodes: any process asks one of them, by messages, with images through the place of all images.
`answers.py` has the node's part."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar

from ...images.codecs.decoding import read_rgb
from ...tasks.model.task import TaskError
from ...tasks.ports.engine import EngineUnavailable, ParameterError, ToolsBusy
from ...tasks.ports.prompts import Prompts, ResolvedPrompt
from ...tasks.ports.tools import DescribeKind, MaskOptions, Picture, ToolFailed, Tools, UnloadResult
from ..messages.notices import EVERYONE, ToolAnswer, ToolDone, ToolRequest, to_json
from ..nodes.registry import NodeRecord
from ..signals.fragments import fits
from ..signals.sender import NotificationSender
from .answering import LOOK, OwnTools, answer_by, png_of, seconds_for
from .answers import RETRY, TOO_LARGE, ToolPlace
from .prompts import EXPAND, RESOLVE, from_content, to_content
from .threads import LOOK_S, Turn, run_on_thread

T = TypeVar("T")
REPEAT_S = 6.0
"""Seconds after which a request without an answer is sent once more. It is lost if the sender had no connection for so long."""
MAX_ASKED = 32
"""Requests of clients for tools that wait at this process at a time, each on a thread."""
NO_NODE = "no node of the cluster takes requests now; start Fooocus with --cluster and this --api-db"


@dataclass(frozen=True)
class _Waiting:
    """A request that waits for its answer, and its message."""

    message: dict[str, Any]
    answers: queue.SimpleQueue[ToolAnswer] = field(default_factory=queue.SimpleQueue)


class ClusterTools:
    """Implements `tasks.ports.tools.ToolsOfNodes`: asks nodes."""

    def __init__(self, place: ToolPlace, sender: NotificationSender, known: Callable[[], Sequence[NodeRecord]]) -> None:
        """Store the dependencies.

        Args:
            known: returns all processes as read a moment ago. It may block.
        """
        self._place = place
        self._sender = sender
        self._known = known
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._looks: dict[str, Future[dict[str, Any]]] = {}
        self._looking = threading.Lock()
        self._asked = threading.BoundedSemaphore(MAX_ASKED)

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
            CancelledError: the client has gone.
            StorageUnavailable: the image can't be stored.
        """
        serving = self._serving()
        chosen = next((one for one in serving if node is None or one.name == node), None)
        if chosen is None:
            raise EngineUnavailable(NO_NODE if node is None else f"node {node} takes no requests now")
        if chosen.name == self._place.name and self._place.own is not None:
            return self._own_answer(self._place.own, tool, options, image, has_gone)
        if image is not None and has_gone():  # before the encoding, which takes a tenth of a second
            raise CancelledError
        name = None if image is None else self._place.inputs.add(png_of(image))
        request = ToolRequest(secrets.token_hex(8), chosen.name, tool, options, name)
        message = to_json(request)
        if not fits(message):
            raise ParameterError(TOO_LARGE)
        if has_gone():
            raise CancelledError
        self._waiting[request.number] = _Waiting(message)
        try:
            self._send(request.number)
            answer = self._waited(request, has_gone)
        finally:
            self._end(request.number)
        return self._content(answer)

    def _own_answer(
        self, own: OwnTools, tool: str, options: dict[str, Any], image: Picture | None, has_gone: Callable[[], bool]
    ) -> dict[str, Any]:
        try:
            return answer_by(own, tool, options, image, Turn(has_gone))
        except (FutureTimeout, TimeoutError) as error:
            raise _unanswered(self._place.name, tool) from error

    def _waited(self, request: ToolRequest, has_gone: Callable[[], bool]) -> ToolAnswer:
        answers, node = self._waiting[request.number].answers, request.node
        now = time.monotonic()
        until, repeat_at = now + seconds_for(request.tool), now + REPEAT_S
        while (now := time.monotonic()) < until:
            if now >= repeat_at:
                self._send(request.number)
                repeat_at = until
            try:
                return answers.get(timeout=LOOK_S)
            except queue.Empty:
                if has_gone():
                    raise CancelledError from None
                if all(one.name != node or one.state in ("stopped", "lost") for one in self._known()):
                    raise EngineUnavailable(f"node {node} has ended; send the request again") from None
        raise _unanswered(node, request.tool)

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

    # -------------------------------------------------------------------- messages

    def answered(self, _: str, answer: ToolAnswer) -> None:
        """Take an answer to a request of this process."""
        waiting = self._waiting.get(answer.number)
        if waiting is not None:
            waiting.answers.put(answer)

    def repeat(self) -> None:
        """Send the requests that wait once more. A process has begun to listen: it may have missed them, or their answers."""
        for number in [*self._waiting]:
            self._send(number)

    def _send(self, number: str) -> None:
        """Send a request, unless its wait has ended: a node would begin it."""
        with self._lock:
            waiting = self._waiting.get(number)
            if waiting is not None:
                self._sender.send(EVERYONE, waiting.message, key=("tool", number))

    def _end(self, number: str) -> None:
        """End the wait for an answer. The node drops the request with its answer, or cancels the tool."""
        with self._lock:
            del self._waiting[number]
            self._sender.send(EVERYONE, to_json(ToolDone(number)))


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
        future: Future[UnloadResult] = Future()
        return run_on_thread(partial(self._unload, future.cancelled), future)

    def _unload(self, has_gone: Callable[[], bool]) -> UnloadResult:
        nodes = self._tools.names() if self._node is None else [self._node]
        if not nodes:
            raise EngineUnavailable(NO_NODE)
        asked = [self._tools.begin(partial(self._tools.ask, node, "unload", {}, None, has_gone)) for node in nodes]
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


def _unanswered(node: str, tool: str) -> EngineUnavailable:
    return EngineUnavailable(f"node {node} has not answered within {seconds_for(tool):.0f} s; it may be busy")
