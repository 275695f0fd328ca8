"""Timeouts of several lengths in one cluster: each process counts as dead by its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.cluster.jobs.schema import install_schema
from fooocus_api.cluster.jobs.task_jobs import Claims, TaskJobs
from fooocus_api.cluster.nodes.recovery import NodeRecovery
from fooocus_api.cluster.nodes.registry import NodeFacts, Registry
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.tasks.model.rows import to_row
from fooocus_api.tasks.model.task import Task, new_task_id, now_ms
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.storage.store import TaskStore
from fooocus_api.tasks.webhooks.delivery import Webhooks, WebhookSettings
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.postgres import PostgresServer

SHORT_S, LONG_S = 0.2, 3600.0


class Process:
    """The rows of a process of a cluster, and its recovery of others."""

    def __init__(self, location: str, name: str, timeout_s: float) -> None:
        self.repository = Repository(location, Membership(name))
        self.repository.write(lambda: install_schema(self.repository.database)).result()
        self.jobs = TaskJobs(self.repository.database, name, Claims())
        self.registry = Registry(self.repository.database, self.jobs, name, "node", timeout_s)
        self.repository.write(lambda: self.registry.register("", "", None, NodeFacts())).result()
        webhooks = Webhooks(self.repository, WebhookSettings(), OutboundClient())
        store = TaskStore(self.repository, webhooks, jobs=self.jobs)
        self.recovery = NodeRecovery(self.repository, self.jobs, store, lambda _: Workload())

    def claimed(self) -> str:
        """Return the id of a task that this process has claimed, an hour less one minute after its last heartbeat."""
        task = Task(new_task_id(), "api", {})

        def change() -> None:
            task.id = task.rank = self.repository.insert(to_row(task, Workload()))
            self.jobs.accepted(task, Workload())
            assert self.jobs.claim(task.task_id, now_ms()) == 1
            execute = self.repository.database.execute_sql
            execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '59 minutes'")
            execute("UPDATE cluster_node SET seen_at = extract(epoch FROM now() - interval '59 minutes') * 1000")

        self.repository.write(change).result()
        return task.task_id

    def change(self, statement: str) -> None:
        self.repository.write(lambda: self.repository.database.execute_sql(statement) and None).result()

    def state(self) -> str:
        ((_, state),) = [(node.name, node.state) for node in self.repository.read(self.registry.read)]
        return state


@pytest.fixture
def patient(postgres: PostgresServer) -> Iterator[Process]:
    process = Process(postgres.new_database(), "patient", LONG_S)
    yield process
    process.repository.close()


def test_a_caretaker_with_a_short_timeout_leaves_a_patient_node_its_task(patient: Process) -> None:
    task_id = patient.claimed()
    wait_for(lambda: is_up_for(patient, SHORT_S), "the database to be up for the short timeout")
    assert patient.recovery.recover_lost(SHORT_S) == [] and patient.state() == "idle"
    patient.change("UPDATE cluster_node SET timeout_ms = 200")
    assert patient.state() == "lost" and patient.recovery.recover_lost(LONG_S) == [task_id]


def test_no_process_is_lost_before_the_database_was_up_for_its_timeout(patient: Process) -> None:
    patient.claimed()
    patient.change("UPDATE cluster_node SET timeout_ms = 86400000, seen_at = seen_at - 172800000")
    patient.change("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 days'")
    assert patient.state() == "idle" and patient.recovery.recover_lost(SHORT_S) == []


def test_a_node_that_slept_for_days_still_claims(patient: Process) -> None:
    patient.change("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '3 days'")
    patient.recovery.tidy()
    assert patient.claimed()  # a job refers to its worker
    patient.change("DELETE FROM procrastinate_jobs; DELETE FROM task; UPDATE cluster_node SET state = 'stopped'")
    patient.change("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '3 days'")
    patient.recovery.tidy()
    count = patient.repository.database.execute_sql
    assert patient.repository.read(lambda: count("SELECT count(*) FROM procrastinate_workers").fetchone()) == (0,)


def is_up_for(process: Process, seconds: float) -> bool:
    statement = f"SELECT now() - pg_postmaster_start_time() > interval '{seconds} seconds'"
    return bool(process.repository.read(lambda: process.repository.database.execute_sql(statement).fetchone()[0]))
