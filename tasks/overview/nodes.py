"""The processes that share the queue: all of a cluster, or this one alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from ..model.active_tasks import ActiveTasks
from ..model.task import Task, now_ms
from .model_watch import LoadedModel

NodeState = Literal["starting", "idle", "busy", "full", "draining", "stopped", "lost"]


@dataclass(frozen=True)
class Node:
    """A process, as it described itself with its last heartbeat `seen_s` seconds ago.

    `role` is node or gateway, `loaded` are the checkpoints in memory, `card` names its graphics card, `progress` is task id →
    percent, and `started_at` is in milliseconds since 1970. `is_own` is this process itself.
    """

    name: str
    role: str
    state: NodeState
    version: str
    started_at: int
    seen_s: float
    url: str = ""
    card: str = ""
    loaded: tuple[str, ...] = ()
    progress: Mapping[str, int] = field(default_factory=dict)
    is_caretaker: bool = False
    is_own: bool = False

    @property
    def is_serving(self) -> bool:
        """Return whether it takes tasks."""
        return self.role == "node" and self.state in ("idle", "busy")

    @property
    def is_up(self) -> bool:
        """Return whether the process runs, by its heartbeats."""
        return self.state not in ("lost", "stopped")


class Nodes(Protocol):
    """The processes that share the queue. Implemented by `cluster`, and by `OneNode`."""

    def all(self) -> list[Node]:
        """Return all processes by their names. It may read the database.

        Raises:
            DatabaseUnavailable: they can't be read.
        """

    def latest(self) -> list[Node]:
        """Return the processes as they were last read. Cheap; any thread."""


@dataclass(frozen=True)
class Process:
    """This process: `version` is the extension's, `is_ready` returns whether Fooocus has loaded its models."""

    name: str = ""
    version: str = ""
    card: str = ""
    is_ready: Callable[[], bool] = lambda: True
    started_at: int = field(default_factory=now_ms)


class OneNode:
    """Implements `Nodes` for a process without a cluster."""

    def __init__(self, process: Process, loaded: Callable[[], LoadedModel]) -> None:
        self._process = process
        self._loaded = loaded

    def all(self) -> list[Node]:
        process, loaded = self._process, self._loaded()
        return [
            Node(
                process.name,
                "node",
                "idle" if process.is_ready() else "starting",
                process.version,
                process.started_at,
                0.0,
                card=process.card,
                loaded=tuple(filter(None, (loaded.model, loaded.refiner))),
                is_caretaker=True,
                is_own=True,
            )
        ]

    def latest(self) -> list[Node]:
        return self.all()


@dataclass(frozen=True)
class NodeView:
    """A process, and its running tasks that the client may see, with their percents."""

    node: Node
    running: Sequence[tuple[Task, int]]


class NodeViews:
    """Views of the processes. Not on an event loop."""

    def __init__(self, nodes: Nodes, active: ActiveTasks) -> None:
        self._nodes = nodes
        self._active = active
        self.is_cluster = not isinstance(nodes, OneNode)

    def latest(self) -> list[Node]:
        """Return the processes as they were last read. Cheap; any thread."""
        started = self._active.started(lambda _: True)
        return [_shown(node, _of(node, started)) for node in self._nodes.latest()]

    def view(self, only: str | None) -> list[NodeView]:
        """Return the view of a client that may see the tasks of one source only; None if it may see all.

        The names of models are those of tasks: such a client sees none.

        Raises:
            DatabaseUnavailable: the processes can't be read.
        """
        nodes, started = self._nodes.all(), self._active.started(lambda _: True)
        views = []
        for node in nodes:
            tasks = _of(node, started)
            running = [
                (task, max(task.progress, node.progress.get(task.task_id, 0)))
                for task in tasks
                if only in (None, task.source)
            ]
            shown = _shown(node, tasks)
            views.append(NodeView(shown if only is None else replace(shown, loaded=()), running))
        return views


def _of(node: Node, started: Sequence[Task]) -> list[Task]:
    """Return the task that a process runs. Without a cluster, tasks name no node."""
    if node.role != "node" or not node.is_up:
        return []
    return [task for task in started if task.node in (None, node.name)][-1:]  # of the others the images are being saved


def _shown(node: Node, tasks: Sequence[Task]) -> Node:
    """Return a process with its state by its tasks: a heartbeat is seconds old, and they are newer."""
    return replace(node, state="busy" if tasks else "idle") if node.is_serving else node
