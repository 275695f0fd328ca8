"""A server's context with one output, and the refusals of references to images."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from fooocus_api.adapters.host import FooocusHost
from fooocus_api.adapters.models.tools import FooocusTools
from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.api.context import Context
from fooocus_api.api.requests.image_sources import ImageResolver
from fooocus_api.api.responses.problems import InvalidFields
from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.outbound.pinned_connection import RequestLimits
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.images.test_inputs import picture

PNG = picture()
HERE = OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")]))
"""Client that may reach this machine, where the sites of these tests are."""
OUTPUT = "outputs/2026-01-02/2026-01-02_03-04-05_6789.png"


class HostWithOutputs(FooocusHost):
    """A host with only a folder of images."""

    def __init__(self, outputs: Path) -> None:
        worker = Worker(EventBus())
        super().__init__(worker, FooocusTools(worker), Patches(), None)
        self._outputs = outputs

    def output_folders(self) -> list[Path]:
        return [self._outputs]


def refusal(context: Context, text: str, limits: RequestLimits | None = None) -> str:
    """Resolve a text that is refused, check that nothing was stored, and return the message."""
    resolver = ImageResolver(context, limits=limits or RequestLimits())
    with pytest.raises(InvalidFields) as refused:
        resolver.resolve("controlnet_image[1].cn_img", text)
    resolver.hold()
    assert not (context.host.output_folders()[0].parent / "inputs").exists()
    [error] = refused.value.extra["errors"]
    assert error["field"] == "controlnet_image[1].cn_img"
    assert refused.value.status == 422
    return str(error["message"])
