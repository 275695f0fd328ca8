"""Startup warnings about access without a key or a login, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from .launch_flags import Settings

KEY = "`--apikey KEY`, or `extension.py keys add NAME`"
LOGIN = "users in Fooocus's auth.json"


def warnings(settings: Settings, *, login: bool, keys: bool) -> Iterator[str]:
    """Yield the startup warnings for these settings.

    Args:
        login: the WebUI's login is on.
        keys: the API requires a key.
    """
    webui = not settings.nowebui
    if login and not webui and not keys:
        yield f"auth.json requires a login, which is impossible without the WebUI; the API refuses all requests. Remedy: {KEY}."
    where = []
    if not _is_loopback(settings.listen):
        where.append(f"Anyone who can reach this machine ({settings.listen})")
    if settings.share and webui:
        yield "--share publishes the WebUI on the internet, and the API under the same address."
        where.append("Anyone who has the --share address")
    for people in where:
        if not login and not keys:
            remedy = f"{KEY} for the API, and {LOGIN} for the WebUI" if webui else KEY
            yield f"{people} can generate, see and delete all images; there is neither a login nor an API key. Remedy: {remedy}."
        elif not login and webui:
            yield f"{people} can use the WebUI; API keys do not protect it. Remedy: {LOGIN}."


def is_exposed(settings: Settings) -> bool:
    """Return whether other machines can reach the server: by its address, by `--share`, or by the proxy of `--base-url`."""
    proxied = settings.base_url is not None and not _is_loopback(urlsplit(settings.base_url).hostname or "")
    return settings.share or proxied or not _is_loopback(settings.listen)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
