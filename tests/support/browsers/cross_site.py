"""Origins of other sites, and the refusal of their requests."""

from __future__ import annotations

import requests

FOREIGN = "https://evil.example"
ALLOWED = "https://shop.example"


def refused(response: requests.Response) -> bool:
    if response.status_code != 403:
        return False
    assert response.headers["content-type"] == "application/problem+json", response.text
    return bool(response.json()["code"] == "cross_origin_rejected")
