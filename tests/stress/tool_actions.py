"""Actions of a user of a soak apart from its tasks: tools, presets, model files, a pause of the queue.

A violation raises AssertionError.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

import requests

from ..support.api_calls.tool_requests import DESCRIBE, EXPAND, MASK, base64_of, picture
from ..support.client import QUICK, ServerSentEvent, events
from .control_actions import heard
from .generate_actions import new_fields
from .simulated_user import SimulatedUser

MODEL_FILES = "/v1/engine/model-files"
LISTS = ("samplers", "schedulers", "performances", "wildcards", "models", "styles/Fooocus V2", "presets/initial")
TASK_EVENTS = {"pending", "started", "progress", "preview", "finished", "failed", "stopped"}


def tool(user: SimulatedUser) -> None:
    """Describe an image, make a mask of it, or expand a prompt."""
    path = user.chance.choice((DESCRIBE, MASK, EXPAND, "unload"))
    user.ledger.count(path.rpartition("/")[2])
    if path == DESCRIBE:
        response = user.client.post(path, json={"image": base64_of(picture())})
        if user.ledger.answered(response, 200):
            assert "red" in response.json()["describe"], response.text
    elif path == MASK:
        response = user.client.post(path, json={"image": base64_of(picture()), "mask_model": "u2net"})
        if user.ledger.answered(response, 200):
            assert response.json(), response.text
    elif path == EXPAND:
        body = {"prompt": "a [[red,blue]] boat", "image_number": 2, "style_selections": ["Fooocus V2"]}
        response = user.client.post(path, json=body)
        if user.ledger.answered(response, 200):
            assert "boat" in response.text
    else:
        response = user.client.post("/v1/engine/unload")
        user.ledger.answered(response, 200 if user.owner == "admin" else 403)


def catalogue(user: SimulatedUser) -> None:
    """Read one of the lists, and a card of the styles."""
    user.ledger.count("catalogue")
    response = user.client.get(f"/v1/engines/{user.chance.choice(LISTS)}")
    user.ledger.answered(response, 200)


def preset(user: SimulatedUser) -> None:
    """Write a preset, generate with it, and delete it."""
    if user.owner != "admin" or user.models is None:
        return
    user.ledger.count("preset")
    user.roam_nodes()
    name = f"soak-{user.chance.getrandbits(40):x}"
    path = f"/v1/engines/presets/{name}"
    written = user.client.request("PUT", path, json={"sharpness": 4, "loras": [], "style_selections": []})
    if not user.ledger.answered(written, 200, 201):
        return
    fields: dict[str, Any] = {**new_fields(user), "async_process": True}
    body = {**QUICK, **fields, "preset": name}
    del body["style_selections"]
    response = user.client.post("/v1/engine/generate", json=body)
    if user.ledger.answered(response, 200):
        assert response.json()["req_params"]["sharpness"] == 4, response.text
        user.note(response.headers["X-Task-Id"], fields)
    else:
        user.refuse(fields, response)
    while not user.ledger.answered(user.client.request("DELETE", path), 200, 204, 404):
        time.sleep(1)


def model_file(user: SimulatedUser) -> None:
    """Download a model file, over a broken connection or not, follow it, and delete it."""
    user.roam_nodes()
    if user.owner != "admin" or user.models is None:
        user.ledger.answered(user.client.get(MODEL_FILES), 200 if user.owner == "admin" else 403)
        return
    user.ledger.count("model file")
    name = f"soak-{user.chance.getrandbits(40):x}.safetensors"
    behaviour = user.chance.choice(("whole", "chunked", "missing", "always_broken"))
    wanted = {"url": f"{user.models.url}/{behaviour}/x", "folder": "loras", "name": name}
    response = user.client.post(MODEL_FILES, json=wanted)
    if not user.ledger.answered(response, 202):
        return
    place = f"{MODEL_FILES}/downloads/{response.json()['id']}"
    if behaviour == "always_broken":
        user.ledger.answered(user.client.post(f"{place}/cancel"), 200, 409)
    with user.client.get(f"{place}/events", stream=True) as stream:
        if not user.ledger.answered(stream, 200):
            return
        seen = [event.data for event in events(stream)]
    expected = {"whole": "done", "chunked": "done", "missing": "failed"}.get(behaviour)
    if expected is not None and seen[-1]["state"] != expected:
        assert user.ledger.outages.excuse() is not None, seen[-1]
    if seen[-1]["state"] in ("failed", "paused"):  # it would keep its file locked, to be resumed
        user.ledger.answered(user.client.post(f"{place}/cancel"), 200, 409)
    if seen[-1]["state"] == "done":
        while not user.ledger.answered(user.client.request("DELETE", f"{MODEL_FILES}/loras/{name}"), 200, 204, 404):
            time.sleep(1)


def pause(user: SimulatedUser) -> None:
    """Pause the queue for a moment."""
    if user.owner != "admin":
        user.ledger.answered(user.client.post("/v1/engine/pause"), 403)
        return
    user.ledger.count("pause")
    user.ledger.answered(user.client.post("/v1/engine/pause"), 200)
    time.sleep(user.chance.uniform(0, 1))
    while not user.ledger.answered(user.client.post("/v1/engine/resume"), 200):
        time.sleep(1)


def watch(user: SimulatedUser) -> None:
    """Listen as the dashboard does, to further events, for some events."""
    user.ledger.count("watch")
    also = "queue,deleted,moved,model" + (",download,stats" if user.owner == "admin" else "")
    query = {"also": also, "preview_format": "webp", "preview_size": 256}
    told: list[ServerSentEvent] = []
    with (
        contextlib.suppress(requests.Timeout, requests.ConnectionError),  # nothing happens at the moment
        user.client.get("/v1/events", params=query, stream=True, timeout=(60, 2)) as response,
    ):
        if user.ledger.answered(response, 200):
            for event in itertools.islice(events(response), user.chance.choice((1, 5, 20))):
                told.append(event)  # those until the timeout, too
    heard(user, [event.data for event in told if event.name in TASK_EVENTS and "source" in event.data])
