"""Tasks of a node: their ends are recorded once their images are in the depot, also across an outage and a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.images.depot.folder import FolderDepot
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.publisher import Publisher
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.depots import AwayDepot
from fooocus_api.tests.support.fakes.simulation import World


@pytest.fixture
def depot(tmp_path: Path) -> AwayDepot:
    (tmp_path / "shared").mkdir()
    return AwayDepot(FolderDepot(tmp_path / "shared"))


def publisher(depot: AwayDepot, tmp_path: Path) -> Publisher:
    return Publisher(depot, lambda path: f"node-1/2026-01-31/{Path(path).name}", FileJournal(tmp_path / "uploads"))


@pytest.fixture
def world(depot: AwayDepot, tmp_path: Path) -> Iterator[World]:
    world = World(publisher=publisher(depot, tmp_path))
    yield world
    world.close()


def started(world: World) -> str:
    submitted = world.run(world.services.submissions.submit({"prompt": "sent"}))
    world.machine.start()
    return submitted.task.task_id


def status(world: World, task_id: str) -> str:
    return str(world.rows()[task_id]["status"])


def names_in(depot: AwayDepot) -> set[str]:
    return {key.rpartition("/")[2] for key, _ in depot.keys("node-1")}


def test_an_image_is_in_the_depot_before_its_task_ends(world: World, depot: AwayDepot) -> None:
    task_id = started(world)
    world.machine.save(reported=True)
    wait_for(lambda: names_in(depot), "the first image, while the task runs", 30)
    world.machine.save(reported=True)
    world.machine.end(None, grid=True, forgets=False, twice=True)
    wait_for(lambda: status(world, task_id) == "finished", "the end", 30)
    recorded = {path.rpartition("/")[2] for path in world.rows()[task_id]["images"]}
    assert len(recorded) >= 2 and recorded <= names_in(depot)


def test_a_task_runs_until_the_depot_is_back_and_others_are_not_held_up(world: World, depot: AwayDepot) -> None:
    depot.leave()
    first = started(world)
    world.machine.save(reported=True)
    world.machine.end(None, grid=False, forgets=False, twice=False)
    assert depot.refused.wait(30)
    world.settle()
    assert status(world, first) == "running"
    second = started(world)
    world.machine.end(None, grid=False, forgets=False, twice=False)
    wait_for(lambda: status(world, second) == "failed", "the end of a task without images", 30)
    assert status(world, first) == "running"
    depot.come_back()
    wait_for(lambda: status(world, first) == "finished", "the end of the first", 60)
    assert len(world.rows()[first]["images"]) == 1 and len(names_in(depot)) == 1


def test_a_restart_while_the_depot_is_away_loses_no_task(world: World, depot: AwayDepot, tmp_path: Path) -> None:
    depot.leave()
    task_id = started(world)
    world.machine.save(reported=True)
    world.machine.end(None, grid=False, forgets=False, twice=False)
    assert depot.refused.wait(30)
    world.services.close(10)
    assert status(world, task_id) == "pending", "it runs again"
    depot.come_back()
