"""Shared by the examples: options, requests to one server, saving images, and a picture to send."""

from __future__ import annotations

import argparse
import base64
import io
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from PIL import Image, ImageDraw

GENERATE = "/v1/engine/generate"
SIZE = (640, 512)
BALL = (330, 250, 470, 390)


class Api:
    """Sends requests to one server. An error response is printed and ends the program."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.session = requests.Session()
        if options.key:
            self.session.headers["X-API-KEY"] = options.key

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self._request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return self._request("POST", path, **arguments)

    def generate(self, **params: Any) -> dict[str, Any]:
        """Run a task to its end, and return its record."""
        record: dict[str, Any] = self.post(GENERATE, json=params).json()
        print(record["task_id"], record["task_status"])
        return record

    def save(self, name: str, *images: str | bytes) -> None:
        """Save images, given as URLs or as content, and print their sizes."""
        folder = Path(self.options.out)
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images, 1):
            content = image if isinstance(image, bytes) else self.get(image).content
            picture = Image.open(io.BytesIO(content))
            path = folder / f"{name}-{number}.{(picture.format or 'png').lower()}"
            path.write_bytes(content)
            print(f"{path} {picture.width}x{picture.height}")

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        response = self.session.request(method, urljoin(self.options.url, path), **arguments)
        if not response.ok:
            sys.exit(f"{response.status_code} {response.text}")
        return response


def connect(about: str | None, **more: str) -> Api:
    """Return the server that the command line names. `more` are further options of the program, with their defaults."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7865", help="address of Fooocus")
    parser.add_argument("--key", help="API key, where the server asks for one")
    parser.add_argument("--out", default="example-images", help="folder for the images")
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default)
    return Api(parser.parse_args())


def picture() -> str:
    """Return a picture of a red ball on a meadow, as a PNG in base64."""
    image = Image.new("RGB", SIZE, (150, 195, 235))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 300, *SIZE), fill=(90, 150, 70))
    draw.ellipse(BALL, fill=(200, 40, 40))
    return encoded(image)


def ball_mask() -> str:
    """Return a mask that is white where the ball is, as a PNG in base64."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).ellipse(BALL, fill=255)
    return encoded(mask)


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
