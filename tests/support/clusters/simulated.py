"""Simulated nodes: processes with the real claim around a worker that generates nothing. POSIX: they are forked."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection
from typing import Any

from fooocus_api.cluster.claim.claimer import Claimer, ClaimOptions
from fooocus_api.cluster.jobs.schema import install_schema
from fooocus_api.cluster.jobs.task_jobs import Claims, TaskJobs
from fooocus_api.cluster.nodes.registry import NodeFacts, Registry
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.tasks.model.rows import to_row
from fooocus_api.tasks.model.task import Task, TaskStatus, new_task_id, now_ms
from fooocus_api.tasks.model.workload.workload import ModelNeeds, Workload

MODELS = ("one.safetensors", "two.safetensors", "three.safetensors")
SOURCES = ("flood", "shop", "bot", "key-1f3a77c0", "key-77c01f3a")
PARAMETERS = {"prompt": "one of many", "image_number": 1}


class Worker:
    """Implements `FreeWorker`: it ends each task after some seconds."""

    def __init__(self, repository: Repository, jobs: TaskJobs, wakes: queue.SimpleQueue[bool], seconds: float) -> None:
        self._repository = repository
        self._jobs = jobs
        self._wakes = wakes
        self._seconds = seconds
        self._loaded: ModelNeeds | None = None
        self.tasks = 0

    def is_free(self) -> bool:
        return True

    def loaded(self) -> ModelNeeds | None:
        return self._loaded

    def files(self) -> Collection[str]:
        return MODELS

    def look_again(self) -> None:
        """Do nothing: its files stay the same."""

    def start(self, task: Task) -> None:
        self._loaded = ModelNeeds((task.parameters["base_model_name"], "None"))
        time.sleep(self._seconds)

        def end() -> bool:
            if not self._jobs.may_change(task.task_id):
                return False
            self._repository.update(task.task_id, {"status": TaskStatus.FINISHED.value, "finished_at": now_ms()})
            self._jobs.ended(task.task_id)
            return True

        assert self._repository.write(end).result()
        self._jobs.claims.discard(task.task_id)
        self.tasks += 1


def submitted(repository: Repository, jobs: TaskJobs, number: int) -> float:
    """Submit tasks as 20 clients do, each of which waits for the commit of one. Return the seconds."""
    waiting: list[Any] = []
    began = time.monotonic()
    for turn in range(number):
        parameters = {**PARAMETERS, "base_model_name": MODELS[turn // 5 % 3]}
        task = Task(new_task_id(), SOURCES[turn % len(SOURCES)], parameters)
        workload = Workload(ModelNeeds((MODELS[turn // 5 % 3], "None")), prompt="one of many")

        def change(task: Task = task, workload: Workload = workload) -> None:
            task.id = task.rank = repository.insert(to_row(task, workload))
            jobs.accepted(task, workload)

        waiting.append(repository.write(change))
        if len(waiting) == 20:
            waiting.pop(0).result()
    for one in waiting:
        one.result()
    return time.monotonic() - began


def _node(location: str, name: str, pipe: Connection[Any, Any]) -> None:
    repository = Repository(location, Membership(name))
    repository.write(lambda: install_schema(repository.database)).result()
    jobs = TaskJobs(repository.database, name, Claims())
    registry = Registry(repository.database, jobs, name, "node", 60)
    repository.write(lambda: registry.register("", "", None, NodeFacts())).result()
    wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()
    pipe.send("ready")
    while (job := pipe.recv()) is not None:
        what, value, patience = job
        if what == "submit":
            pipe.send(submitted(repository, jobs, value))
        else:
            worker = Worker(repository, jobs, wakes, value)
            claimer = Claimer(repository, jobs, worker, registry, ClaimOptions(affinity_wait_s=patience), wakes)
            claimer.start()
            wakes.put(True)
            pipe.recv()
            claimer.close()
            pipe.send(worker.tasks)
    repository.close()


class SimulatedNodes:
    """Simulated nodes, which run within the `with` block."""

    def __init__(self, location: str, number: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection[Any, Any]] = []
        self._processes = []
        for index in range(1, number + 1):
            ours, theirs = context.Pipe()
            process = context.Process(target=_node, args=(location, f"simulated-{index}", theirs), daemon=True)
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> SimulatedNodes:
        for process, pipe in zip(self._processes, self._pipes, strict=True):
            process.start()
            assert pipe.poll(60) and pipe.recv() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def submit(self, number: int) -> Sequence[float]:
        """Submit this number of tasks in each node, in all at once. Return the seconds of each."""
        return self._all(("submit", number, 0.0))

    def claim(self, seconds: float, task_s: float = 0.0) -> int:
        """Claim and end tasks in all nodes for some seconds. Return the number of tasks."""
        for pipe in self._pipes:
            pipe.send(("claim", task_s, 0.001))
        time.sleep(seconds)
        return sum(self._all("over"))

    def _all(self, message: Any) -> list[Any]:
        for pipe in self._pipes:
            pipe.send(message)
        return [pipe.recv() for pipe in self._pipes]
