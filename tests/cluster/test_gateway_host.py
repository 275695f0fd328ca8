"""The nodes' catalogues as a gateway's host: the API says the same of them as of the Fooocus itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.adapters.models.prompts import FooocusPrompts
from fooocus_api.adapters.models.tools import FooocusTools
from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.api.app import create_api
from fooocus_api.api.context import Context, ImageStores, Security
from fooocus_api.api.openapi import build_schema
from fooocus_api.auth.keyring import Keyring
from fooocus_api.gateway.catalogue.merging import merged
from fooocus_api.gateway.catalogue.writing import digest_of
from fooocus_api.gateway.elsewhere import NoWorker
from fooocus_api.gateway.host.catalog import ClusterCatalog
from fooocus_api.gateway.host.host import ClusterHost
from fooocus_api.gateway.host.nodes import KnownNode, Nodes
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.images.storage.places import OwnPlaces
from fooocus_api.tasks.ports.engine import ParameterError
from fooocus_api.tasks.ports.presets import PresetsElsewhere, UnknownPreset
from fooocus_api.tasks.streaming.event_bus import EventBus


def host_of(nodes: Sequence[KnownNode], outputs: Path) -> ClusterHost:
    worker = Worker(EventBus())
    return ClusterHost(Nodes(lambda: nodes), FooocusTools(worker), FooocusPrompts(worker), lambda: [outputs])


@pytest.fixture
def host(written: dict[str, Any], tmp_path: Path) -> ClusterHost:
    return host_of([KnownNode("one", True, False, written["catalogue"])], tmp_path)


def test_the_schema_is_the_nodes(written: dict[str, Any], host: ClusterHost, tmp_path: Path) -> None:
    security = Security(Keyring((), tmp_path / "keys.json"), WebUILogin())
    context = Context(host, None, ImageStores(InputStore(tmp_path / "inputs")), security)
    schema = json.loads(json.dumps(build_schema(create_api(context), context)))
    for part in schema["components"]["schemas"].keys() | written["schema"]["components"]["schemas"].keys():
        assert schema["components"]["schemas"].get(part) == written["schema"]["components"]["schemas"].get(part), part
    assert schema == written["schema"]


def test_the_names_are_the_nodes(written: dict[str, Any], host: ClusterHost) -> None:
    assert {kind: host.catalog.names(kind) for kind in written["names"]} == written["names"]
    assert {name: list(texts) for name, texts in host.catalog.style_texts().items()} == written["styles"]
    assert host.presets.values("lightning") == written["preset"] != {}
    assert host.info()["fooocus_version"] == "2.5.5-demo" and host.info()["webui"] is False
    style = host.catalog.style(host.catalog.names("styles")[0])
    assert style is not None and host.catalog.style("No Such Style") is None
    assert [one.name for one in host.catalog.models(["lora"])] == written["names"]["lora_files"]


def test_a_catalogue_is_known_by_its_digest(written: dict[str, Any]) -> None:
    content = {name: value for name, value in written["catalogue"].items() if name != "digest"}
    assert digest_of(content) == written["catalogue"]["digest"]


def test_two_nodes_offer_together_what_one_of_them_has(written: dict[str, Any], tmp_path: Path) -> None:
    first: dict[str, Any] = json.loads(json.dumps(written["catalogue"]))
    second: dict[str, Any] = json.loads(json.dumps(first))
    second["digest"] = "another"
    second["names"]["models"] = ["new.safetensors", *first["names"]["models"][1:]]
    second["models"] = [{**first["models"][0], "name": "new.safetensors"}]
    second["arguments"]["list_sizes"]["loras"] = 2
    first["arguments"]["extra"] = {"shared": {}, "of_one": {}}
    second["arguments"]["extra"] = {"shared": {}}
    known = [KnownNode("one", True, False, first), KnownNode("two", True, True, second)]
    host = host_of(known, tmp_path)
    assert host.catalog.names("models") == [*first["names"]["models"], "new.safetensors"]
    assert {one.name for one in host.catalog.models(["checkpoint"])} >= {"new.safetensors"}
    assert host.arguments.list_sizes()["loras"] == 2
    assert [*merged([first, second])["arguments"]["extra"]] == ["shared"]
    assert host.status().model_loaded and host.status().worker_alive
    known[1] = KnownNode("two", False, False, second)
    assert host.catalog.names("models") == first["names"]["models"] and not host.status().model_loaded
    known[0] = KnownNode("one", False, False, first)
    assert "new.safetensors" in host.catalog.names("models") and not host.status().worker_alive
    assert host.status().problem is None


def test_without_any_node_the_reason_is_given(tmp_path: Path) -> None:
    host = host_of([], tmp_path)
    assert host.catalog.names("models") == [] and host.arguments.default("prompt") is None
    assert "no node of the cluster" in str(host.status().problem)


def test_what_only_a_node_can_do_is_refused(host: ClusterHost) -> None:
    with pytest.raises(PresetsElsewhere, match="ask a node"):
        host.presets.write("new", {})
    with pytest.raises(PresetsElsewhere, match="ask a node"):
        host.presets.remove("lightning")
    with pytest.raises(UnknownPreset):
        host.presets.remove("no such preset")


def test_a_task_is_checked_and_measured_without_a_worker(written: dict[str, Any], tmp_path: Path) -> None:
    nodes = Nodes(lambda: [KnownNode("one", True, False, written["catalogue"])])
    worker = NoWorker(ClusterCatalog(nodes), OwnPlaces(list, InputStore(tmp_path / "inputs")))
    worker.check({"prompt": "a cat"})
    with pytest.raises(ParameterError, match=r"gone.png can't be read"):
        worker.check({"controlnet_image": [{"cn_img": "inputs/gone.png"}]})
    workload = worker.workload({"base_model_name": "a.safetensors", "performance_selection": "Speed"})
    assert workload.checkpoint == "a.safetensors" and workload.steps == 30
    assert not worker.is_free() and worker.order.task_ids() == []
