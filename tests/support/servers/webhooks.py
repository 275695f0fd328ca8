"""Flags for hosts with webhooks, and the state of a task's deliveries."""

from __future__ import annotations

import base64
from typing import Any

from standardwebhooks import Webhook

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.servers.webhook_receiver import Delivery

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
LOCAL = ("--allow-private-urls", "127.0.0.0/8")
QUICKLY = (*LOCAL, "--webhook-secret", SECRET, "--webhook-retry-seconds", "0.05")


def webhooks(client: Client, task_id: str) -> dict[str, Any]:
    response = client.get(f"/tasks/{task_id}/webhooks")
    assert response.status_code == 200, response.text
    return response.json()


def once(client: Client, task_id: str, status: str) -> dict[str, Any]:
    """Wait until the task's webhook has this status and return its state: it is stored a moment after the receiver's answer."""

    def look() -> dict[str, Any] | None:
        state = webhooks(client, task_id)
        return state if state["webhook_status"] == status else None

    return wait_for(look, f"the webhook of {task_id} to be {status}")


def statuses(state: dict[str, Any]) -> list[int | None]:
    return [attempt["status"] for attempt in state["attempts"]]


def verified(delivery: Delivery) -> dict[str, Any]:
    """Verify a delivery and return its record, as a receiver does."""
    return Webhook(SECRET).verify(delivery.body, delivery.headers)
