"""Builds the domain: creates its parts, connects them, and hands out those that the API uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..db.repository import Repository
from ..images.storage.file_journal import FileJournal
from ..images.storage.input_store import InputStore
from ..outbound.client import OutboundClient
from .batches.changes import BatchChanges
from .batches.creation import BatchCreation
from .batches.feeder import BatchFeeder
from .batches.messages import BatchMessages
from .batches.removal import BatchRemoval
from .batches.row_ends import RowEnds
from .batches.service import Batches, BatchEta
from .batches.store import BatchStore
from .control.build import ControlServices, build_control
from .drain import Drain
from .history.leftovers import Leftovers
from .history.ownership import Ownership
from .history.queries import History
from .history.retention import Retention
from .lifecycle.collector_pause import paused_collector
from .lifecycle.late_images import LateImages
from .lifecycle.lifecycle import TaskLifecycle
from .lifecycle.metrics import Metrics, build_metrics
from .lifecycle.notifier import QueueNotifier
from .lifecycle.observers import TaskLog, TaskObserver
from .lifecycle.recovery import Recovery
from .lifecycle.result_files import ResultFiles
from .lifetime import Lifetime
from .model.active_tasks import ActiveTasks
from .model.task import Task
from .model_files.build import ModelFileServices
from .options import TaskOptions as TaskOptions
from .overview.build import OverviewServices, build_overview
from .overview.node_gauges import NodeGauges
from .overview.nodes import Nodes, NodeViews, OneNode
from .ports.engine import Engine
from .ports.runs import NoRuns, Runs
from .ports.tools import ToolsOfNodes
from .queue.estimator import Estimator
from .queue.eta import EtaCalculator
from .queue.model_downloads import Downloader
from .queue.submission import Submissions
from .repeats.comparison import Repeats
from .repeats.model_hashes import ModelHashes
from .repeats.recorder import RunRecorder
from .service import TaskService
from .sharing import Listeners, Sharing
from .shutdown import Shutdown
from .startup import Startup
from .storage.client_options import ClientOptions
from .storage.session_store import SessionStore
from .storage.store import TaskStore
from .streaming.broadcaster import Broadcaster
from .streaming.event_bus import EventBus
from .webhooks.delivery import Webhooks


@dataclass(frozen=True)
class TaskServices:
    """The parts of the domain that the API and the wiring use."""

    tasks: TaskService
    submissions: Submissions
    history: History
    ownership: Ownership
    retention: Retention
    webhooks: Webhooks
    events: Broadcaster
    eta: EtaCalculator
    metrics: Metrics
    active: ActiveTasks
    results: ResultFiles
    repeats: Repeats
    batches: Batches
    client_options: ClientOptions
    control: ControlServices
    overview: OverviewServices
    sessions: SessionStore
    lifetime: Lifetime
    drain: Drain
    nodes: NodeViews
    node_tools: ToolsOfNodes | None = None
    model_files: ModelFileServices | None = None

    def start(self) -> None:
        """Recover the tasks that an earlier process left unfinished, then start to handle worker events.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """
        self.lifetime.start()

    def end_subscriptions(self) -> None:
        """End all subscriptions and waiting requests before the shutdown. Any thread."""
        self.events.close()
        if self.model_files is not None:
            self.model_files.downloads.close()
        self.batches.changes.close()

    def close(self, within_s: float | None = None) -> None:
        """Write all outstanding changes and shut down; pending and running tasks resume at the next start. Any thread.

        A second call waits until the first one is done.

        Args:
            within_s: seconds after which to return, finished or not. None waits until all images are saved.
        """
        self.lifetime.close(within_s)


def build_task_services(
    engine: Engine,
    repository: Repository,
    bus: EventBus,
    journal: FileJournal,
    inputs: InputStore,
    outbound: OutboundClient | None = None,
    options: TaskOptions | None = None,
    runs: Runs | None = None,
    sharing: Sharing | None = None,
) -> TaskServices:
    """Return the parts of the domain around a host's engine and its bus. Nothing runs yet.

    Args:
        outbound: sends webhooks.
        sharing: joins this process, with this engine, to a cluster.
    """
    options, runs = options or TaskOptions(), runs or NoRuns()
    active, events = ActiveTasks(), Broadcaster()
    outbound, changes = outbound or OutboundClient(), BatchChanges()
    webhooks = Webhooks(repository, options.webhooks, outbound, options.duty)
    jobs = sharing.jobs if sharing is not None else None
    store = TaskStore(repository, webhooks, options.end_write_timeout_s, (RowEnds(changes),), jobs)
    shared = None if sharing is None else sharing.join(store, active)
    engine = engine if shared is None else shared.engine
    leftovers, estimator = Leftovers(engine.files, repository, journal), Estimator()
    eta = EtaCalculator(active, engine, estimator, None if shared is None else partial(_serving, shared.nodes))
    is_downloading = partial(_is_downloading, None if shared is None else shared.nodes)
    overview = build_overview(active, engine, eta, events, options.load, options.on_minute, is_downloading)
    nodes = NodeViews(
        OneNode(options.process, lambda: overview.models.loaded) if shared is None else shared.nodes, active
    )
    retention = Retention(repository, inputs, journal, leftovers, overview.announcements.removed)
    results = ResultFiles(engine, inputs, leftovers, retention, options.publisher)
    metrics = build_metrics(active, events, engine)
    metrics.registry.register(NodeGauges(nodes.latest))
    has_folders = sharing is None or sharing.has_worker
    downloader = Downloader(bus, engine, "" if sharing is None else sharing.name, has_folders=has_folders)
    submissions = Submissions(engine, store, active, downloader, estimator, options.max_pending)
    listeners = Listeners(changes.signal, (downloader,))
    following = None if shared is None else shared.follow(events, eta, overview, listeners)
    notifier = QueueNotifier(active, events, eta) if following is None else following.notifier
    hashes = ModelHashes(repository)
    recorder = RunRecorder(repository, runs, hashes)
    observers: list[TaskObserver] = [estimator, metrics, TaskLog(), recorder, *overview.observers]
    observers += following.observers if following is not None else ()
    lifecycle = TaskLifecycle(active, store, results, notifier, observers, bus)
    recovery = Recovery(engine.files, store, journal, leftovers, options.publisher)
    tasks = TaskService(active, store, engine, downloader, events, retention)
    control = build_control(repository, engine, active, tasks, retention, overview)
    rows = BatchStore(repository, changes)
    messages = BatchMessages(repository, rows, changes, options.webhooks, outbound, options.duty)
    removal = BatchRemoval(rows, repository, retention, tasks)
    feeder = BatchFeeder(rows, submissions, tasks, options.admission, changes, (removal.run, messages.wake))
    creation = BatchCreation(repository, changes, default_receiver=bool(options.webhooks.url))

    def enqueue(task: Task) -> None:
        submissions.enqueue(active.add(task, engine.workload(task.parameters)))

    handlers = (lifecycle.handle, *(following.handlers if following is not None else ()))
    late_images = LateImages(repository, journal, recovery.left_by)
    run_bus = partial(bus.start, *handlers)
    startup = Startup(store, recovery, late_images, options.publisher, run_bus, enqueue)

    def start() -> None:
        with paused_collector():
            control.pause.restore()
            if following is None:
                startup.alone()
            else:
                startup.in_cluster(following, downloader.is_here if has_folders else None)

    shutdown = Shutdown(
        repository=repository,
        store=store,
        active=active,
        engine=engine,
        bus=bus,
        results=results,
        publisher=options.publisher,
        retention=retention,
        downloader=downloader,
        hashes=hashes,
        webhooks=webhooks,
        messages=messages,
        feeder=feeder,
        overview=overview,
        following=following,
    )
    lifetime = Lifetime(
        [
            start,
            lambda: feeder.start(options.duty),
            lambda: retention.enforce(options.retention, options.duty),
            lambda: repository.index_words(options.duty.is_mine),
            overview.start,
        ],
        [*shutdown.closers()],
    )
    return TaskServices(
        tasks=tasks,
        submissions=submissions,
        history=History(repository, active, engine),
        ownership=Ownership(repository, active, engine.files),
        retention=retention,
        webhooks=webhooks,
        events=events,
        eta=eta,
        metrics=metrics,
        active=active,
        results=results,
        repeats=Repeats(repository, runs, hashes),
        batches=Batches(rows, creation, feeder, changes, messages, BatchEta(engine, active, eta)),
        client_options=ClientOptions(repository),
        control=control,
        overview=overview,
        sessions=SessionStore(repository),
        lifetime=lifetime,
        drain=Drain(following, lifetime),
        nodes=nodes,
        node_tools=None if following is None else following.tools,
    )


def _serving(nodes: Nodes) -> list[str]:
    """Return the names of the nodes that take tasks."""
    return [node.name for node in nodes.latest() if node.is_serving]


def _is_downloading(nodes: Nodes | None, task: Task) -> bool:
    """Return whether a process that is up downloads the files that a task needs, by what is known."""
    if not task.downloads or nodes is None:
        return bool(task.downloads)
    known = nodes.latest()
    up = {node.name for node in known if node.is_up}
    return not known or any(download.get("node", "") in ("", *up) for download in task.downloads)
