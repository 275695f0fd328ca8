"""Which forms reach Gradio: it reads them on the event loop, which is the API's as well, before it asks for a login."""

from __future__ import annotations

from collections.abc import Iterable

MOST_BYTES = 4096
"""Of a url-encoded form. Gradio's page sends none, its Python client a name and a password; a megabyte takes ten seconds."""


def problem_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Status and reason with which a request of these headers is refused, None when it is not. Names are in lower case."""
    headers = list(headers)
    kind = b" ".join(value for name, value in headers if name == b"content-type").lower()  # of several any may count
    length = dict(headers).get(b"content-length", b"")
    if b"multipart/form-data" in kind and b"charset" in kind:  # some of Python's encodings take minutes
        return 415, "a form with files is sent without a charset"
    if b"urlencoded" in kind and not (length.isdigit() and int(length[:9]) <= MOST_BYTES):
        return 413, f"a url-encoded form has at most {MOST_BYTES} bytes, and says how many"
    return None
