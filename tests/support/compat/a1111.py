"""Requests and images as AUTOMATIC1111's clients send them."""

from __future__ import annotations

import base64
import io
import json
import threading
from typing import Any

import requests
from PIL import Image

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import Host

API = "/sdapi/v1"
QUICK: dict[str, Any] = {"steps": 2, "override_settings": {"fooocus_performance": "Lightning", "fooocus_styles": []}}
"""Members of the cheapest request."""


class A1111:
    """A client that sends what it is given. `auth` is a user and a password."""

    def __init__(self, host: Host, auth: tuple[str, str] | None = None) -> None:
        self.url = host.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = auth

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.session.get(f"{self.url}{API}/{path}", timeout=120, **arguments)

    def post(self, path: str, body: Any = None, **arguments: Any) -> requests.Response:
        return self.session.post(f"{self.url}{API}/{path}", json=body, timeout=120, **arguments)

    def json(self, path: str) -> Any:
        """Return the content of a GET; fail unless it succeeds."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def draw(self, path: str = "txt2img", **body: Any) -> tuple[list[Image.Image], dict[str, Any]]:
        """Generate, and return the images and the parsed `info`; fail unless it succeeds."""
        response = self.post(path, {**QUICK, **body})
        assert response.status_code == 200, response.text
        answer = response.json()
        assert isinstance(answer["info"], str) and isinstance(answer["parameters"], dict)
        return [decoded(image) for image in answer["images"]], json.loads(answer["info"])

    def begin(self, path: str = "txt2img", **body: Any) -> tuple[threading.Thread, list[requests.Response]]:
        """Begin to generate on a thread, and return it with a list that the response will be in. Wait until it has a job."""
        answers: list[requests.Response] = []
        thread = threading.Thread(target=lambda: answers.append(self.post(path, {**QUICK, **body})))
        thread.start()
        wait_for(lambda: self.json("progress")["state"]["job"], "the job")
        return thread, answers


def decoded(text: str) -> Image.Image:
    """Return the image in an answer: base64 without a prefix."""
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image


def png(size: tuple[int, int] = (64, 64), colour: Any = "green", mode: str = "RGB") -> str:
    """Return a picture as base64 of a PNG."""
    return encoded(Image.new(mode, size, colour))


def encoded(image: Image.Image) -> str:
    """Return a picture as base64 of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def mask(size: tuple[int, int], area: tuple[int, int, int, int], mode: str = "L") -> Image.Image:
    """Return a mask that is white, or opaque, in an area."""
    found = Image.new(mode, size, (0, 0, 0, 0) if mode == "RGBA" else 0)
    found.paste((0, 0, 0, 255) if mode == "RGBA" else 255, area)
    return found
