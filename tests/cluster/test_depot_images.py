"""Images of a cluster: found on every node by their names in records, deleted everywhere, and published before their records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fooocus_api.images.depot.depot import Depot, DepotUnavailable
from fooocus_api.images.depot.folder import FolderDepot
from fooocus_api.images.storage.deleted_notes import INTERVAL_S, DeletedNotes
from fooocus_api.images.storage.depot_inputs import DepotInputStore
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.input_store import InputStore, StorageUnavailable, UnknownInput
from fooocus_api.images.storage.library import output_file
from fooocus_api.images.storage.places import ClusterPlaces, OwnPlaces
from fooocus_api.images.storage.publisher import Publisher
from fooocus_api.tests.cluster.conftest import MakeDepot
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.depots import AwayDepot

TASK = "0" * 31 + "1"
IMAGE = "2026-01-31/a.png"


class Node:
    """The images of a process of a cluster."""

    def __init__(self, name: str, folder: Path, depot: Depot) -> None:
        self.name = name
        self.outputs = folder / name
        self.outputs.mkdir(parents=True)
        self.depot = depot
        self.inputs = DepotInputStore(depot)
        self.removed: list[str] = []
        self.published: list[tuple[str, str]] = []
        self.held: set[str] = set()
        self.notes = DeletedNotes(depot, name, self._own, self._remove)
        self.places = ClusterPlaces(lambda: [self.outputs], self.inputs, depot, name, self.notes)
        self.state = folder / f"{name}-state"
        self.publisher = self.new_publisher()

    def new_publisher(self) -> Publisher:
        journal = FileJournal(self.state / "uploads")
        return Publisher(self.depot, self.places.relative_path, journal, lambda *one: self.published.append(one))

    def save(self, relative: str = IMAGE, content: bytes | None = None) -> str:
        path = self.outputs / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture() if content is None else content)
        return str(path)

    def publish(self, *paths: str) -> None:
        done = threading.Event()
        self.publisher.publish(TASK, paths, done.set)
        assert done.wait(30)

    def _own(self, relative: str) -> Path | None:
        return output_file([self.outputs], Path(relative))  # type: ignore[arg-type]

    def _remove(self, paths: Sequence[str]) -> list[str]:
        self.removed += paths
        for relative in set(paths) - self.held:
            (self.outputs / relative).unlink(missing_ok=True)
        return [path for path in paths if path in self.held]


def test_an_image_is_found_on_every_node_by_its_record(make_depot: MakeDepot, tmp_path: Path) -> None:
    first, second = (Node(name, tmp_path / "nodes", make_depot(name)) for name in ("node-1", "node-2"))
    path = first.save()
    relative = first.places.relative_path(path)
    assert relative == f"node-1/{IMAGE}" and first.places.find(relative) == Path(path).resolve()
    assert second.places.find(relative) is None, "it is not published yet"
    first.publish(path)
    found = second.places.find(relative)
    assert found is not None and found.read_bytes() == Path(path).read_bytes()
    assert second.places.find_reference(f"outputs/{relative}") == found
    assert first.published == [(TASK, relative)]
    assert second.places.relative_path(relative) == relative and second.places.relative_path("/elsewhere/a.png") is None
    Path(path).unlink()  # a new disk
    assert first.places.find(relative) is not None


@pytest.mark.parametrize(
    "name",
    [
        "node-1/2026-01-31",
        "node-1/../a.png",
        "node-1/2026-01-31/log.html",
        ".deleted/x/a.png",
        "x/y/z/a.png",
        "",
        "a.png",
    ],
)
def test_nothing_else_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "shared").mkdir()
    node = Node("node-2", tmp_path / "nodes", FolderDepot(tmp_path / "shared"))
    target = tmp_path / "shared" / "node-1" / "2026-01-31" / "log.html"
    target.parent.mkdir(parents=True)
    target.write_text("<html>")
    assert node.places.find(name) is None
    with pytest.raises(FileNotFoundError):
        node.places.find_reference(f"outputs/{name}")


def test_records_from_before_the_cluster_have_no_node(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    node = Node("node-1", tmp_path / "nodes", FolderDepot(tmp_path / "shared"))
    path = node.save()
    assert node.places.find(IMAGE) == Path(path).resolve() and node.places.own(IMAGE) == IMAGE
    assert node.places.remove_elsewhere([IMAGE]) == {}


def test_without_a_cluster_names_have_two_parts(tmp_path: Path) -> None:
    places = OwnPlaces(lambda: [tmp_path], InputStore(tmp_path / "inputs"))
    for relative in (IMAGE, f"node-1/{IMAGE}"):
        (tmp_path / relative).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / relative).write_bytes(picture())
    assert places.find_reference(f"outputs/{IMAGE}") and places.own(IMAGE) == IMAGE
    assert places.is_name(IMAGE) and not places.is_name(f"node-1/{IMAGE}")
    with pytest.raises(FileNotFoundError):
        places.find_reference(f"outputs/node-1/{IMAGE}")


def test_an_image_that_another_node_deletes_is_gone_everywhere(make_depot: MakeDepot, tmp_path: Path) -> None:
    first, second, third = (Node(f"node-{n}", tmp_path / "nodes", make_depot(f"node-{n}")) for n in (1, 2, 3))
    path, relative = first.save(), f"node-1/{IMAGE}"
    first.publish(path)
    assert third.places.find(relative) is not None, "it has a copy"
    assert second.places.own(relative) is None
    assert second.places.remove_elsewhere([relative]) == {}
    assert second.places.find(relative) is None
    time.sleep(INTERVAL_S)  # for which what was found counts
    assert third.places.find(relative) is None and first.places.find(relative) is None
    assert not Path(path).exists() and first.removed == [IMAGE]
    assert list(first.depot.keys(".deleted")) == []
    first.notes.sweep()
    assert first.removed == [IMAGE], "the note is gone"


def test_an_image_that_stays_for_now_is_not_served(make_depot: MakeDepot, tmp_path: Path) -> None:
    first, second = (Node(name, tmp_path / "nodes", make_depot(name)) for name in ("node-1", "node-2"))
    path, relative = first.save(), f"node-1/{IMAGE}"
    first.publish(path)
    first.held.add(IMAGE)
    second.places.remove_elsewhere([relative])
    assert first.places.find(relative) is None and Path(path).exists()
    first.held.clear()
    first.notes.sweep()
    assert not Path(path).exists() and list(first.depot.keys(".deleted")) == []


def test_a_deletion_while_the_depot_is_away_stays_to_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    depot = AwayDepot(FolderDepot(tmp_path / "shared"))
    node, relative = Node("node-1", tmp_path / "nodes", depot), f"node-2/{IMAGE}"
    depot.put(relative, b"x")
    depot.leave()
    stay = node.places.remove_elsewhere([relative])
    assert list(stay) == [relative] and isinstance(stay[relative][1], DepotUnavailable)
    with pytest.raises(DepotUnavailable):
        node.places.find(relative)
    path = node.save()
    assert node.places.find(f"node-1/{IMAGE}") == Path(path).resolve(), "its own images need no depot"
    depot.come_back()
    assert node.places.remove_elsewhere([relative]) == {} and node.places.find(relative) is None


# ------------------------------------------------------------------------ publishing


@pytest.fixture
def away_node(tmp_path: Path) -> Node:
    (tmp_path / "shared").mkdir()
    return Node("node-1", tmp_path / "nodes", AwayDepot(FolderDepot(tmp_path / "shared")))


def test_a_task_waits_for_the_depot_and_that_is_reported_once(
    away_node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    depot, done = away_node.depot, threading.Event()
    assert isinstance(depot, AwayDepot)
    depot.leave()
    caplog.set_level(logging.INFO, "fooocus_api.images")
    paths = [away_node.save(f"2026-01-31/{name}.png") for name in "abc"]
    away_node.publisher.begin(TASK, paths[0])
    away_node.publisher.publish(TASK, paths, done.set)
    assert depot.refused.wait(30)
    wait_for(lambda: away_node.publisher.is_away, "the depot to be known as away", 30)
    assert not done.is_set()
    depot.come_back()
    assert done.wait(30) and not away_node.publisher.is_away
    assert {relative for _, relative in away_node.published} == {f"node-1/2026-01-31/{name}.png" for name in "abc"}
    messages = [record.getMessage() for record in caplog.records]
    for message in (
        "images can't be uploaded; their tasks end once they are",
        "images can be uploaded again",
        "images uploaded",
    ):
        assert messages.count(message) == 1
    assert FileJournal(away_node.state / "uploads").task_ids() == []


def test_the_next_process_uploads_what_the_last_one_could_not(away_node: Node) -> None:
    depot, ended = away_node.depot, threading.Event()
    assert isinstance(depot, AwayDepot)
    depot.leave()
    path = away_node.save()
    away_node.publisher.publish(TASK, [path], ended.set)
    assert depot.refused.wait(30)
    away_node.publisher.close(5)
    assert not ended.is_set() and FileJournal(away_node.state / "uploads").task_ids() == [TASK]
    depot.come_back()
    successor = away_node.new_publisher()
    successor.resume()
    wait_for(lambda: depot.changed_at(f"node-1/{IMAGE}") is not None, "the upload", 30)
    wait_for(lambda: FileJournal(away_node.state / "uploads").task_ids() == [], "the journal to be empty", 30)
    successor.close(5)


def test_an_image_that_was_deleted_holds_up_no_task(away_node: Node) -> None:
    path = away_node.save()
    away_node.publish(path, str(away_node.outputs / "2026-01-31" / "gone.png"), "/elsewhere/x.png")
    assert away_node.published == [(TASK, f"node-1/{IMAGE}")]
    away_node.publish()


def test_a_recovered_task_has_its_images_at_once_or_later(away_node: Node) -> None:
    depot = away_node.depot
    assert isinstance(depot, AwayDepot)
    path = away_node.save()
    depot.leave()
    assert not away_node.publisher.now(TASK, [path])
    depot.come_back()
    assert away_node.publisher.now(TASK, [path]) and away_node.published


# ---------------------------------------------------------------------------- inputs


def test_an_input_is_there_for_every_process_before_the_answer(make_depot: MakeDepot, tmp_path: Path) -> None:
    here, there = DepotInputStore(make_depot("here")), DepotInputStore(make_depot("there"))
    content = picture()
    name = here.add(content)
    assert there.has(name) and there.path(name).read_bytes() == content
    held = there.hold({name: content})
    there.drop(held)  # a rejected request takes nothing from another process
    assert here.path(name).read_bytes() == content
    with pytest.raises(UnknownInput):
        here.path("0" * 64 + ".png")
    with pytest.raises(UnknownInput):
        here.path("../keys.json")


def test_old_inputs_are_deleted_for_all(make_depot: MakeDepot) -> None:
    here, there = DepotInputStore(make_depot("here")), DepotInputStore(make_depot("there"))
    name = here.add(picture())
    assert there.path(name).is_file()
    assert list(there.older_than(time.time() - 100, 10)) == [] and there.remove([name], time.time() - 100) == 0
    assert list(there.older_than(time.time() + 100, 10)) == [[name]]
    assert there.remove([name, "0" * 64 + ".png"], time.time() + 100) == 1
    assert not there.has(name) and not here.has(name)


def test_an_input_is_refused_while_the_depot_is_away(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    depot = AwayDepot(FolderDepot(tmp_path / "shared"))
    store = DepotInputStore(depot)
    name = store.add(picture())
    depot.leave()
    with pytest.raises(StorageUnavailable, match="can't be stored"):
        store.add(picture())
    for action in (store.has, store.path):
        with pytest.raises(DepotUnavailable):
            action(name)
