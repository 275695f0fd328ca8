"""Access as users of a soak need it: browsers sign in and out, tokens read, keys are created and revoked.

A violation raises AssertionError.
"""

from __future__ import annotations

import requests

from ..support.client import QUICK, Client
from .generate_actions import new_fields
from .simulated_user import SimulatedUser

REFUSED = (401, 429)
"""Statuses of a request with an unknown key: after ten of them in a minute, the address waits."""


def session(user: SimulatedUser) -> None:
    """Sign a browser in, look at the dashboard's page with its cookie, generate, and sign out."""
    user.ledger.count("session")
    browser = Client(user.client.url, patience=600)
    try:
        if not user.ledger.answered(browser.get("/dashboard"), 200):
            return
        if not user.ledger.answered(browser.post("/v1/session", json={"key": user.key}), 200):
            return
        state = browser.get("/v1/session")
        if user.ledger.answered(state, 200) and state.json()["by"] is not None:
            assert (state.json()["by"], state.json()["name"]) == ("session", user.owner), state.text
        fields = {**new_fields(user), "async_process": True}
        response = browser.post("/v1/engine/generate", json={**QUICK, **fields})
        if user.ledger.answered(response, 200):
            user.note(response.headers["X-Task-Id"], fields)
        else:
            user.refuse(fields, response)
        if user.ledger.answered(browser.request("DELETE", "/v1/session"), 200, 204):
            assert browser.get("/tasks").status_code in (401, 503)
    finally:
        browser.session.close()


def token(user: SimulatedUser) -> None:
    """Read with a token, and expect that it permits nothing else."""
    user.ledger.count("token")
    response = user.client.post("/v1/tokens", json={"lifetime": 60})
    if not user.ledger.answered(response, 200):
        return
    query = {"token": response.json()["token"]}
    if user.mine:
        task_id = user.chance.choice(user.mine)
        gone = (404,) if "delete" in user.ledger.given[task_id].asked else ()
        user.ledger.answered(user.stranger.get(f"/tasks/{task_id}", params=query), 200, *gone)
    refused: requests.Response = user.stranger.post("/v1/engine/generate", params=query, json=QUICK)
    user.ledger.answered(refused, 401, 403)


def key(user: SimulatedUser) -> None:
    """Create a key, generate with it, and revoke it: its task remains, and is its own."""
    if user.owner != "admin":
        user.ledger.answered(user.client.get("/v1/keys"), 403)
        return
    user.ledger.count("key")
    name = f"key-{user.chance.getrandbits(40):x}"
    made = user.client.post("/v1/keys", json={"name": name, "scopes": ["generate", "read"]})
    if not user.ledger.answered(made, 201):
        return
    guest = Client(user.client.url, made.json()["key"], patience=600)
    try:
        fields = {**new_fields(user), "async_process": True, "priority": 0}
        fields.pop("uov_input_image", None)  # of another key
        fields.pop("uov_method", None)
        response = guest.post("/v1/engine/generate", json={**QUICK, **fields})
        if user.ledger.answered(response, 200):
            user.ledger.give(response.headers["X-Task-Id"], name, fields)
            others = [task_id for task_id in user.mine if "delete" not in user.ledger.given[task_id].asked]
            for task_id in others[:1]:
                user.ledger.answered(guest.get(f"/tasks/{task_id}"), 404)
        else:
            user.refuse(fields, response, name)
        if user.ledger.answered(user.client.request("DELETE", f"/v1/keys/{name}"), 200):
            assert guest.get("/tasks").status_code in (*REFUSED, 503)
    finally:
        guest.session.close()
