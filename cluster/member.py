"""This process as a member of the cluster: it claims, writes heartbeats, listens, and follows the tasks of the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..db.deadline import Deadline
from ..db.locks import RANKS
from ..db.statements.changes import settings
from ..db.statements.cluster.notices import CHANGES_CHANNEL
from ..tasks.control.pause import PAUSED
from ..tasks.lifecycle.notifier import QueueNotifier
from ..tasks.lifecycle.observers import TaskObserver
from ..tasks.model.events import Event
from ..tasks.model.task import TERMINAL_STATUSES
from ..tasks.overview.build import OverviewServices
from ..tasks.queue.eta import EtaCalculator
from ..tasks.sharing import Listeners
from ..tasks.streaming.broadcaster import Broadcaster
from .claim.claimer import Claimer
from .claim.node_worker import NodeWorker
from .control.answers import Answers, ToolPlace
from .control.tools import ClusterTools
from .following.interest import Interest
from .following.mirror import LocalWorker, Mirror
from .following.remote_events import FilesChanged, RemoteImage, RemoteProgress
from .following.reporting import ReportingNotifier
from .links import Links
from .messages.inbox import Inbox
from .messages.notices import (
    EVERYONE,
    Hello,
    TaskControl,
    TaskImage,
    TaskProgress,
    ToolAnswer,
    ToolDone,
    ToolRequest,
    Watching,
    channel_of,
    to_json,
)
from .messages.reporter import Reporter
from .messages.watch import Watch
from .messages.watcher import Watcher
from .nodes.caretaker import Caretaker
from .nodes.heartbeat import Heartbeat
from .nodes.offered import OfferedFiles
from .nodes.registry import NodeFacts
from .nodes.versions import Versions
from .parts import ClusterParts
from .signals.connection import connect
from .signals.listener import NotificationListener

log = logging.getLogger("fooocus_api.cluster")

CLAIM_CLOSE_S = 15.0
"""Seconds that a process which drains waits for a claim that is being made."""


class Member:
    """Implements `tasks.sharing.Following`."""

    def __init__(
        self,
        base: ClusterParts,
        links: Links,
        events: Broadcaster,
        eta: EtaCalculator,
        overview: OverviewServices,
        listeners: Listeners,
    ) -> None:
        self._batch_changed = listeners.batch_changed
        self._base = base
        self._links = links
        self._overview = overview
        self._is_draining = False
        self._watch = Watch(lambda process, tasks: self._reporter.repeat(process, tasks))
        self._reporter = Reporter(links.sender, self._watch)
        self._watcher = Watcher(links.sender)
        self._interest = Interest(events, base.jobs.claims, self._watcher)
        self._notifier = ReportingNotifier(links.active, events, eta, self._reporter)
        self._worker = NodeWorker(base.host, base.emit)
        jobs = base.jobs
        self._mirror = Mirror(
            links.active,
            base.order,
            jobs.claims,
            QueueNotifier(links.active, events, eta),
            LocalWorker(
                self._worker.take,
                self._worker.give_up,
                lambda task: task.source == "webui" and task.worker == jobs.worker,
                lambda task: base.host.engine.workload(task.parameters),
            ),
            links.reader.changed,
        )
        self._mirror.observe_with(
            [overview.feed, overview.announcements, eta.elsewhere, *listeners.observers], overview.announcements.removed
        )
        self._claimer = Claimer(base.repository, jobs, self._worker, base.registry, base.settings.claims, base.wakes)
        self._versions = Versions(base.settings.name, base.settings.version)
        self._offered = OfferedFiles(base.registry.files)
        self._heartbeat = Heartbeat(base.repository, base.registry, jobs, self._facts, self._stop, self._look)
        self._caretaker = Caretaker(
            lambda: connect(base.settings.location, f"caretaker {base.settings.name}"),
            base.registry,
            links.recovery,
            base.hooks.duty,
            base.hooks.wake_duty,
            self._heartbeat.is_steady,
        )
        place = ToolPlace(base.settings.name, base.host.inputs, base.host.own)
        self._tools = ClusterTools(place, links.sender, lambda: base.registry.known(base.repository.read))
        answers = Answers(place, links.sender)
        self._inbox = Inbox(
            links.sender.name,
            {
                TaskProgress: lambda _, notice: base.emit(_progress(notice)),
                TaskImage: lambda _, notice: base.emit(RemoteImage(notice.task_id, notice.attempts, notice.image)),
                TaskControl: lambda _, notice: self._control(notice),
                Watching: self._watch.take,
                Hello: lambda *_: self._repeat(),
                ToolRequest: answers.requested,
                ToolAnswer: self._tools.answered,
                ToolDone: answers.done,
            },
        )
        self._listener: NotificationListener | None = None

    @property
    def notifier(self) -> QueueNotifier:
        return self._notifier

    @property
    def tools(self) -> ClusterTools:
        return self._tools

    @property
    def observers(self) -> Sequence[TaskObserver]:
        return [self._mirror]

    @property
    def handlers(self) -> Sequence[Callable[[Event], None]]:
        return [self._mirror.handle]

    # ---------------------------------------------------------------- lifetime

    def recover(self) -> None:
        base, one = self._base, self._base.settings
        base.repository.write(lambda: base.registry.register("", one.version, None, self._facts())).result()
        self._links.recovery.recover_earlier(one.name)

    def start(self) -> None:
        sender = self._links.sender
        self._links.reader.start()
        self._interest.start()
        handlers = {CHANGES_CHANNEL: self._on_change, EVERYONE: self._inbox.receive}
        handlers[channel_of(sender.name)] = self._inbox.receive
        self._listener = NotificationListener(self._base.settings.location, handlers, self._on_gap)
        self._heartbeat.start()
        self._caretaker.start()
        if self._base.settings.has_worker:
            self._claimer.start()

    def drain(self) -> None:
        self._is_draining = True
        self._claimer.close(CLAIM_CLOSE_S)
        facts = self._facts()
        # At once: others show it as draining.
        self._base.repository.write(lambda: self._base.registry.record_heartbeat(facts))

    def is_busy(self) -> bool:
        return bool(self._base.jobs.claims.task_ids()) or self._base.host.engine.in_hand() is not None

    def close(self, deadline: Deadline) -> None:
        self._is_draining = True
        self._claimer.close(deadline.half())
        for task_id in self._base.jobs.claims.task_ids():
            live = self._links.active.get(task_id)
            if live is None or live.started_s is None:
                self._base.repository.write(partial(self._base.jobs.give_back, task_id), locks=(RANKS,), retry=True)
        self._caretaker.close(deadline.half())

    def leave(self, deadline: Deadline) -> None:
        if self._listener is not None:
            self._listener.close(deadline.half())
        self._heartbeat.close()
        self._watcher.close()
        self._links.reader.close()
        self._base.repository.write(self._base.registry.leave)
        self._links.sender.close(deadline.half())

    # ------------------------------------------------------------------ notices

    def _wake(self) -> None:
        """Have the claimer look. A gateway has none."""
        if self._base.settings.has_worker:
            self._base.wakes.put(True)

    def _on_gap(self) -> None:
        self._links.reader.resync()
        self._links.sender.send(EVERYONE, to_json(Hello()), key="hello")
        self._repeat()
        self._wake()
        self._read_pause()
        self._caretaker.wake()

    def _repeat(self) -> None:
        """Repeat to the others what they may have missed, and what this process asks them for."""
        self._watcher.announce()
        self._tools.repeat()

    def _on_change(self, payload: str) -> None:
        content: dict[str, Any] = json.loads(payload)
        hooks = self._base.hooks
        if "setting" in content:
            if content["setting"] == PAUSED:
                self._read_pause()
            hooks.setting_changed(content["setting"])
        elif "batch" in content:
            self._caretaker.wake()
            self._batch_changed(content["batch"])
        else:
            self._on_task(content)

    def _on_task(self, content: dict[str, Any]) -> None:
        task_id, status, worker = content["task"], content.get("status"), content.get("worker")
        if status == "pending" or (status == "running" and self._claimer.is_waiting):
            self._wake()
        if status in TERMINAL_STATUSES:
            self._caretaker.wake()
        if "retagged" in content:  # they are not the worker's: read also those of own tasks
            self._links.reader.changed(task_id)
            return
        is_known = content.get("new") and self._links.active.get(task_id) is not None  # this process has accepted it
        if not is_known and (self._base.jobs.claims.get(task_id) is None or worker != self._base.jobs.worker):
            self._links.reader.changed(task_id, content.get("source", ""))

    def _read_pause(self) -> None:
        """Read the pause of the queue on a reader's thread: a listener must not wait."""

        def read() -> None:
            paused = settings.value_of(PAUSED) == "1"
            if paused != self._base.order.is_paused():
                self._base.order.pause(paused)
                self._wake()
                self._overview.feed.change()

        self._base.repository.submit_read(read)

    def _control(self, notice: TaskControl) -> None:
        if notice.worker != self._base.jobs.worker:
            return
        if not self._base.host.engine.interrupt(notice.task_id, notice.how) and notice.how == "stop":
            self._base.host.engine.withdraw(notice.task_id)

    # -------------------------------------------------------------------- facts

    def _facts(self) -> NodeFacts:
        self._interest.refresh()
        self._read_pause()  # its notice may be lost
        loaded = self._base.host.engine.loaded()
        models = () if loaded is None else tuple(name for name in loaded.models[:2] if name not in ("", "None"))
        progress = {}
        for task_id in self._base.jobs.claims.task_ids():
            live = self._links.active.get(task_id)
            progress[task_id] = live.task.progress if live is not None else 0
        state = "draining" if self._is_draining else "busy" if progress else "idle"
        if state == "idle" and self._base.settings.has_worker:
            state = self._base.host.obstacle() or state
        return NodeFacts(state, models, self._base.settings.card, progress)

    def _look(self) -> None:
        """Look at the other processes: their versions, and the files that they have for the tasks that wait."""
        read = self._base.repository.read
        nodes = self._base.registry.known(read)
        self._versions.look(nodes)
        lost, back = self._base.order.offer(self._offered.look(nodes, read))
        if lost or back:
            self._overview.feed.change()
            self._base.emit(FilesChanged(lost=lost))

    def _stop(self, task_id: str) -> None:
        if not self._base.host.engine.interrupt(task_id, "stop"):
            self._base.host.engine.withdraw(task_id)


def _progress(notice: TaskProgress) -> RemoteProgress:
    return RemoteProgress(notice.task_id, notice.attempts, notice.percent, notice.title, notice.stage, notice.preview)
