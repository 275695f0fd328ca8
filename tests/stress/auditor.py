"""Checks every task of a soak after its end, deletes most of them, and checks the others again at the end."""

from __future__ import annotations

import base64
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from random import Random
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from ..support.client import ENDED, Client, Record
from ..support.servers.webhook_receiver import Receiver
from .invariants import record_of
from .ledger import Ledger, OwnedTask
from .outages import DISK_FULL, NODE_KILLED

AUDIT_DELAY_S = 20.0
"""Seconds after which no user touches a task any more."""
KEPT_FRACTION = 0.2
"""Fraction of all tasks that are kept for a second check at the end."""
RECORDED_FIELDS = (
    "prompt",
    "image_number",
    "overwrite_step",
    "overwrite_width",
    "output_format",
    "priority",
    "save_name",
)
FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


class Auditor:
    """Checks tasks with full permissions, and verifies the deliveries to the webhook receiver."""

    def __init__(
        self, urls: Sequence[str], key: str, ledger: Ledger, receiver: Receiver, secret: str, seed: float
    ) -> None:
        self._urls = urls
        self._client = Client(urls[0], key, patience=600)
        self._ledger = ledger
        self._receiver = receiver
        self._webhook = Webhook(secret)
        self._chance = Random(seed)
        self._delivered: defaultdict[str, list[Record]] = defaultdict(list)
        self.ends: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.deliveries: Counter[int] = Counter()

    def visit(self, over: threading.Event) -> None:
        """Check ended tasks until `over` is set. Violations go to the ledger."""
        while not over.wait(1):
            with self._ledger.noting("a webhook"):
                self.take_deliveries()
            for task_id, given in list(self._ledger.given.items()):
                if over.is_set() or self._ledger.outages.excuse() is not None:
                    break
                if given.record is None and not given.deleted and given.since < time.monotonic() - AUDIT_DELAY_S:
                    with self._ledger.noting(f"task {task_id}"):
                        self._look_at(task_id, given)
        self._client.session.close()

    def take_deliveries(self) -> None:
        """Verify the deliveries to the receiver."""
        while not self._receiver.none_left():
            delivery = self._receiver.next()
            self.deliveries[delivery.status] += 1
            record = self._webhook.verify(delivery.body, delivery.headers)
            assert delivery.headers["webhook-id"] == f"msg_{record['task_id']}" and record["task_status"] in ENDED
            if delivery.status == 200:
                self._delivered[record["task_id"]].append(record)

    def waits_for_webhooks(self) -> bool:
        """Return whether any webhook is still to be delivered."""
        self.take_deliveries()
        return any(
            not given.deleted and "webhook_url" in given.fields and not self._is_delivered(task_id, given)
            for task_id, given in self._ledger.given.items()
            if task_id not in self._delivered
        )

    def _is_delivered(self, task_id: str, given: OwnedTask) -> bool:
        response = self._client.get(f"/tasks/{task_id}/webhooks")
        if response.status_code == 404 and "delete" in given.asked:
            return True
        return self._ledger.answered(response, 200) and response.json()["webhook_status"] == "delivered"

    def _look_at(self, task_id: str, given: OwnedTask) -> None:
        """Check a task if it has ended and its webhook was delivered; perhaps delete it."""
        with given.lock:
            state = self._client.get(f"/tasks/{task_id}").json().get("task_status", "gone")
            if state not in (*ENDED, "gone"):
                return
            if state != "gone" and "webhook_url" in given.fields and not self._is_delivered(task_id, given):
                return
            self.check(task_id, given)
            if given.record is not None and self._chance.random() > KEPT_FRACTION:
                self._delete(task_id, given, given.record)

    def check(self, task_id: str, given: OwnedTask) -> None:
        """Check an ended task completely.

        Raises:
            AssertionError: a check fails.
        """
        self._client.url = self._chance.choice(self._urls)
        found = record_of(self._client, task_id, given)
        before = given.record
        if found is None:
            if before is None and not given.is_gone:
                self.ends["deleted by visitors"] += 1
            given.deleted = given.is_gone = True
            return
        record, images = found
        given.record = record
        if before is not None:
            assert _lasting(record) == _lasting(before), f"an ended task has changed: {before} {record}"
            return
        self.ends[record["task_status"]] += 1
        status, fields = record["task_status"], given.fields
        assert record["source"] == given.owner, record
        wanted = {name: fields[name] for name in RECORDED_FIELDS if name in fields}
        assert {name: record["req_params"][name] for name in wanted} == wanted, record
        again = record["attempts"] == 2 and self._ledger.outages.met(record, NODE_KILLED, since="in_queue_mills")
        assert again or record["attempts"] == (record["start_mills"] != -1), record
        if status in ("failed", "interrupted"):
            self.failures[record["error"]["message"]] += 1
            assert self._ledger.outages.met(record, DISK_FULL), f"failed by itself: {record}"
        for entry, image in zip(record["images"], images, strict=True):
            assert image.format == FORMATS[fields.get("output_format", "png")] == FORMATS[entry["format"]], record
            assert image.size == (entry["width"], entry["height"]), record
            if "uov_method" not in fields and "overwrite_width" in fields:
                assert image.size == (fields["overwrite_width"], 256), record
            assert entry["metadata"]["prompt"] == fields["prompt"], record
            if fields.get("require_base64"):
                assert base64.b64decode(entry["base64"]) == self._client.get(entry["url"]).content, record["task_id"]
        if "webhook_url" in fields:
            self._check_delivered(task_id, record)

    def _check_delivered(self, task_id: str, record: Record) -> None:
        self.take_deliveries()
        deliveries = self._delivered.pop(task_id, [])
        assert deliveries, f"no webhook reported the end of task {task_id}"
        for message in deliveries:
            assert _lasting(message) == _lasting(record), f"the webhook sent {message} for {record}"

    def _delete(self, task_id: str, given: OwnedTask, record: Record) -> None:
        """Delete a task by its id, or by its time if it is the only one of its millisecond."""
        self._ledger.count("deleted by the auditor")
        self._ledger.ask(task_id, "delete")
        moment = datetime.fromtimestamp(record["in_queue_mills"] / 1000, timezone.utc).isoformat(
            timespec="milliseconds"
        )
        time_of_it = {"start_at": moment, "end_at": moment}
        found = self._client.get("/tasks", params={**time_of_it, "query": "history"})
        if found.headers.get("X-Total-History") == "1" and self._chance.random() < 0.5:
            response = self._client.get("/tasks", params={**time_of_it, "action": "delete"})
            if self._ledger.answered(response, 200):
                assert response.json()["deleted"] == 1, response.text
                given.deleted = True
        elif self._ledger.answered(self._client.request("DELETE", f"/tasks/{task_id}"), 204):
            given.deleted = True


def _lasting(record: Record) -> dict[str, Any]:
    """Return the fields of an ended task's record that never change. The signatures of its URLs do."""
    names = ("id", "task_status", "in_queue_mills", "start_mills", "finish_mills", "source", "progress", "attempts")
    return {name: record[name] for name in names} | {
        "result": [urlsplit(url).path for url in record["result"]],
        "prompt": record["req_params"]["prompt"],
        "error": record.get("error"),
    }
