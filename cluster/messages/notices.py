"""The messages of a cluster as Python objects, and their JSON form. A process ignores those that it does not know."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from ...images.preview import ReceivedPreview
from ...tasks.model.stage import QUEUED, Phase, Stage
from ...tasks.model.task import Image

EVERYONE = "fooocus_signals"
"""The channel on which every process of the cluster listens."""
ALL = "*"
"""Stands for every task in place of a task's id."""

How = Literal["stop", "skip"]


def channel_of(process: str) -> str:
    """Return the channel of one process, by the name of its sender."""
    return f"fooocus_to_{process}"


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """Progress of the task in this attempt: `percent` from 0 to 100; `jpeg` is the preview's file, None without one."""

    task_id: str
    attempts: int
    percent: int
    title: str
    stage: Stage = QUEUED
    jpeg: bytes | None = field(default=None, repr=False)

    def with_preview(self, jpeg: bytes) -> TaskProgress:
        """Return the progress with a preview's file."""
        return replace(self, jpeg=jpeg)

    @property
    def preview(self) -> ReceivedPreview | None:
        return None if self.jpeg is None else ReceivedPreview(self.jpeg)


@dataclass(frozen=True, slots=True)
class TaskImage:
    """An image that the task has saved in this attempt."""

    task_id: str
    attempts: int
    image: Image


@dataclass(frozen=True, slots=True)
class TaskControl:
    """A request to the worker that runs the task: `stop` it, or `skip` its current image."""

    task_id: str
    how: How
    worker: int


@dataclass(frozen=True, slots=True)
class Watching:
    """All tasks that the sender watches, task id or `ALL` → with previews. It replaces what the sender has sent before, and is
    valid for `until_s` seconds."""

    tasks: Mapping[str, bool]
    until_s: float


@dataclass(frozen=True, slots=True)
class Hello:
    """A process has begun to listen: the others repeat to it what they watch."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A request to a node for a tool: describe, mask or unload, what it makes of prompts, or a look into its folders. `image`
    is the name of an input that all processes have."""

    number: str
    node: str
    tool: str
    options: Mapping[str, Any]
    image: str | None = None


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """The answer to the request of this number: its `content`, and an input with the picture if the tool makes one."""

    number: str
    content: dict[str, Any]
    image: str | None = None


@dataclass(frozen=True, slots=True)
class ToolDone:
    """The sender waits no longer for the answer to its request of this number: it has the answer, or its client has gone."""

    number: str


Notice = TaskProgress | TaskImage | TaskControl | Watching | Hello | ToolRequest | ToolAnswer | ToolDone


def to_json(notice: Notice) -> dict[str, Any]:
    """Return a message as a JSON object."""
    match notice:
        case TaskProgress():
            known = {name: value for name, value in asdict(notice.stage).items() if value is not None}
            content = {"percent": notice.percent, "title": notice.title, "stage": known}
            picture = {} if notice.jpeg is None else {"jpeg": base64.b64encode(notice.jpeg).decode("ascii")}
            return {"kind": "progress", "task": notice.task_id, "attempts": notice.attempts, **content, **picture}
        case TaskImage():
            values = {"task": notice.task_id, "attempts": notice.attempts, "image": asdict(notice.image)}
            return {"kind": "image", **values}
        case TaskControl():
            return {"kind": "control", "task": notice.task_id, "how": notice.how, "worker": notice.worker}
        case Watching():
            return {"kind": "watch", "tasks": dict(notice.tasks), "until_s": notice.until_s}
        case Hello():
            return {"kind": "hello"}
        case ToolRequest():
            return {"kind": "tool", **asdict(notice)}
        case ToolAnswer():
            return {"kind": "tool_answer", **asdict(notice)}
        case ToolDone():
            return {"kind": "tool_done", "number": notice.number}


def from_json(content: Any) -> Notice | None:
    """Return the message of a JSON value, None if it is of a kind or form that this version does not know."""
    try:
        read = READERS.get(content["kind"])
        return None if read is None else read(content)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _progress(content: dict[str, Any]) -> TaskProgress:
    jpeg = content.get("jpeg")
    return TaskProgress(
        str(content["task"]),
        int(content["attempts"]),
        int(content["percent"]),
        str(content["title"]),
        _stage(content["stage"]),
        None if jpeg is None else base64.b64decode(jpeg),
    )


def _stage(content: dict[str, Any]) -> Stage:
    if content["phase"] not in get_args(Phase):
        return QUEUED
    numbers = {name: content.get(name) for name in ("step", "steps", "image_number", "image_count")}
    return Stage(content["phase"], **{name: None if value is None else int(value) for name, value in numbers.items()})


def _image(content: dict[str, Any]) -> TaskImage:
    image = {name: value for name, value in content["image"].items() if name in Image.__dataclass_fields__}
    return TaskImage(str(content["task"]), int(content["attempts"]), Image(**image))


def _control(content: dict[str, Any]) -> TaskControl | None:
    how = content["how"]
    return TaskControl(str(content["task"]), how, int(content["worker"])) if how in get_args(How) else None


def _watching(content: dict[str, Any]) -> Watching:
    tasks = {str(task_id): bool(previews) for task_id, previews in content["tasks"].items()}
    return Watching(tasks, float(content["until_s"]))


def _request(content: dict[str, Any]) -> ToolRequest:
    number, node, tool = (str(content[name]) for name in ("number", "node", "tool"))
    return ToolRequest(number, node, tool, dict(content["options"]), content.get("image"))


def _answer(content: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer(str(content["number"]), dict(content["content"]), content.get("image"))


READERS: dict[str, Callable[[dict[str, Any]], Notice | None]] = {
    "progress": _progress,
    "image": _image,
    "control": _control,
    "watch": _watching,
    "hello": lambda _: Hello(),
    "tool": _request,
    "tool_answer": _answer,
    "tool_done": lambda content: ToolDone(str(content["number"])),
}
