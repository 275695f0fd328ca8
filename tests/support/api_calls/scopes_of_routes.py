"""The scopes that open each route, with a harmless request to it."""

from __future__ import annotations

from typing import Any

SCOPES = ("generate", "read", "read-all", "control", "admin")
READERS = {"read", "read-all"}
ANY = set(SCOPES)
NO_TASK = "0" * 32
ROUTES: dict[str, tuple[set[str], int, dict[str, Any]]] = {
    "POST /v1/engine/generate/": ({"generate"}, 422, {"json": {"scheduler_name": "none such"}}),
    "POST /inputs": ({"generate"}, 422, {"files": {"other": b"x"}}),
    "POST /v1/tools/describe-image": ({"generate"}, 422, {"json": {}}),
    "POST /v1/tools/generate_mask": ({"generate"}, 422, {"json": {}}),
    "POST /v1/tools/read-metadata": ({"generate"}, 422, {"json": {}}),
    "POST /v1/tokens": (READERS, 200, {}),
    "GET /tasks": (READERS, 200, {}),
    "GET /tasks/{task_id}": (READERS, 404, {}),
    "GET /tasks/{task_id}/events": (READERS, 404, {}),
    "GET /tasks/{task_id}/webhooks": (READERS, 404, {}),
    "GET /v1/events": (READERS, 200, {"stream": True}),
    "GET /outputs/{date}/{file_name}": (READERS, 404, {}),
    "GET /inputs/{file_name}": (READERS, 404, {}),
    "POST /v1/tools/expand-prompt": ({"generate"}, 422, {"json": {"image_number": 0}}),
    "POST /tasks/{task_id}/repeat": ({"generate"}, 404, {}),
    "POST /tasks/{task_id}/stop": ({"control"}, 404, {}),
    "POST /tasks/{task_id}/skip": ({"control"}, 404, {}),
    "POST /tasks/{task_id}/move-to-front": ({"control"}, 404, {}),
    "POST /tasks/{task_id}/webhooks/resend": ({"control"}, 404, {}),
    "DELETE /tasks/{task_id}": ({"control"}, 404, {}),
    "POST /v1/engine/control/": ({"control"}, 200, {"params": {"action": "stop"}}),
    "POST /v1/engine/unload": ({"admin"}, 200, {}),
    "GET /v1/engine/model-files": ({"admin"}, 200, {}),
    "POST /v1/engine/model-files": ({"admin"}, 422, {"json": {}}),
    "DELETE /v1/engine/model-files/{folder}/{name}": ({"admin"}, 404, {}),
    "GET /v1/engine/model-files/downloads": ({"admin"}, 200, {}),
    "GET /v1/engine/model-files/downloads/{download_id}": ({"admin"}, 404, {}),
    "GET /v1/engine/model-files/downloads/{download_id}/events": ({"admin"}, 404, {}),
    "POST /v1/engine/model-files/downloads/{download_id}/cancel": ({"admin"}, 404, {}),
    "POST /v1/engine/model-files/downloads/{download_id}/resume": ({"admin"}, 404, {}),
    "GET /metrics": ({"admin"}, 200, {}),
    "GET /v1/engines/all-models": (ANY, 200, {}),
    "GET /v1/engines/styles": (ANY, 200, {}),
    "GET /v1/engines/presets": (ANY, 200, {}),
    "GET /v1/engines/samplers": (ANY, 200, {}),
    "GET /v1/engines/schedulers": (ANY, 200, {}),
    "GET /v1/engines/performances": (ANY, 200, {}),
    "GET /v1/engines/aspect-ratios": (ANY, 200, {}),
    "GET /v1/engines/output-formats": (ANY, 200, {}),
    "GET /v1/engines/metadata-schemes": (ANY, 200, {}),
    "GET /v1/engines/refiner-swap-methods": (ANY, 200, {}),
    "GET /v1/engines/uov-methods": (ANY, 200, {}),
    "GET /v1/engines/inpaint-engines": (ANY, 200, {}),
    "GET /v1/engines/outpaint-directions": (ANY, 200, {}),
    "GET /v1/engines/mask-models": (ANY, 200, {}),
    "GET /v1/engines/cloth-categories": (ANY, 200, {}),
    "GET /v1/engines/sam-models": (ANY, 200, {}),
    "GET /v1/engines/enhance-orders": (ANY, 200, {}),
    "GET /v1/engines/enhance-prompt-types": (ANY, 200, {}),
    "GET /v1/engines/control-types": (ANY, 200, {}),
    "GET /v1/engines/wildcards": (ANY, 200, {}),
    "GET /v1/engines/models": (ANY, 200, {}),
    "GET /v1/engines/presets/{name}": (ANY, 404, {}),
    "PUT /v1/engines/presets/{name}": ({"admin"}, 422, {"json": {"sharpness": 99}}),
    "DELETE /v1/engines/presets/{name}": ({"admin"}, 404, {}),
    "GET /v1/engines/styles/{name}": (ANY, 404, {}),
    "GET /v1/engines/styles/{name}/sample": (ANY, 404, {}),
    "GET /v1/info": (ANY, 200, {}),
}
"""Route → the scopes that open it, and the status that then answers a harmless request, and that request's arguments."""
OPEN = {"GET /healthz", "GET /readyz"}
BESIDE = {
    "POST /v1/engine/generate": {"generate"},
    "POST /v1/engine/control": {"control"},
    "POST /v1/engine/unload/": {"admin"},
    "HEAD /outputs/{date}/{file_name}": READERS,
    "HEAD /inputs/{file_name}": READERS,
}
"""Variants of routes that the schema does not show."""
