"""The address policy: public, private and own addresses, and the words of an error."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_network

import psutil
import pytest

from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.outbound.pinned_connection import BlockedAddress, OutboundError
from fooocus_api.tests.support.servers.outside import INSIDE


def test_our_own_addresses_are_closed_although_they_may_be_public() -> None:
    own = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    ]
    assert own and AddressPolicy().open_among(own) == []
    mine = ip_network(own[0])
    assert AddressPolicy([mine]).open_among(own) == [own[0]]


def test_public_addresses_are_open() -> None:
    public = ["8.8.8.8", "192.0.66.1", "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
    assert AddressPolicy().open_among(public) == public


def test_a_check_asks_nobody() -> None:
    OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")])).validate_url("http://127.0.0.1:9/")
    for url in (
        "http://127.0.0.1:9/",
        "ftp://8.8.8.8/",
        "nothing",
        "http://",
        "http://localhost./",
        "http://LocalHost.:80/",
    ):
        with pytest.raises(BlockedAddress):
            OutboundClient().validate_url(url)


def test_what_is_no_http_is_quoted_in_short() -> None:
    with socket.create_server((INSIDE, 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"secret " * 5000 + b"\r\n")

        threading.Thread(target=answer, daemon=True).start()
        outbound = OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")]))
        with pytest.raises(OutboundError, match="can't be reached: secret") as refused:
            outbound.request(f"http://{INSIDE}:{listener.getsockname()[1]}/")
    assert len(str(refused.value)) < 300
