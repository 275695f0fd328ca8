"""Names of model files, which come from clients and from servers: safe on Linux, macOS and Windows, inside their folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ..files.paths import is_device
from .kinds import ENDINGS, FileKind, kind_of

MAX_PART_BYTES = 200
MAX_PARTS = 4
"""Sub-folders of a name, and the file itself."""
FORBIDDEN = frozenset('<>:"\\|?*')
"""Characters that Windows does not allow in names."""
HIDDEN_IN_QUERY = re.compile(
    r"token|key|sig|secret|auth|pass|credential|policy|session|jwt|^x-amz-|^x-goog-", re.IGNORECASE
)
"""Query parameters that may be credentials."""
EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE)
PLAIN_NAME = re.compile(r";\s*filename\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]+))", re.IGNORECASE)
OTHER_ENDING = re.compile(r"\.(?=\d*[A-Za-z])[A-Za-z0-9]{1,12}$")
"""Ending of a file's name: a version, as in `v1.5`, has no letter."""
MAX_SHOWN_VALUE = 64
"""Characters of a query value that is shown: longer ones are probably signatures."""


def checked_name(text: str) -> str:
    """Return the name in Unicode's normal form C, with `/` between its parts.

    Raises:
        ValueError: the name can't be a model file's on every system; the message continues the sentence after it.
    """
    name = unicodedata.normalize("NFC", text)
    parts = name.split("/")
    if len(parts) > MAX_PARTS:
        raise ValueError(f"has more than {MAX_PARTS - 1} sub-folders")
    for part in parts:
        _check_part(part)
    if kind_of(name) is None:
        raise ValueError(f"is not the name of a model file; it must end with one of {', '.join(ENDINGS)}")
    return name


def _check_part(part: str) -> None:
    if part in ("", ".", ".."):
        raise ValueError("has an empty part or a part of dots; use a file name, or sub-folder/file name")
    if part[0] in ". " or part[-1] in ". ":
        raise ValueError("has a part that begins or ends with a dot or a space")
    if bad := next((sign for sign in part if sign in FORBIDDEN or not sign.isprintable()), None):
        raise ValueError(f"contains {bad!r}, which is not allowed in file names")
    if is_device(part):
        raise ValueError(f"contains {part!r}, which is a device on Windows")
    if len(part.encode("utf-8", "surrogatepass")) > MAX_PART_BYTES:
        raise ValueError(f"has a part of more than {MAX_PART_BYTES} bytes")


def name_in_url(url: str) -> str | None:
    """Return the last part of a URL's path if it is the name of a model file, else None."""
    name = _last_part(unquote(urlsplit(url).path))
    return name if kind_of(name) is not None else None


def foreign_name_in_url(url: str) -> str | None:
    """Return the last part of a URL's path if it has the ending of another kind of file, as `x.zip`; else None."""
    name = _last_part(unquote(urlsplit(url).path))
    return name if kind_of(name) is None and OTHER_ENDING.search(name) else None


def name_in_disposition(header: str) -> str | None:
    """Return the file name in a `Content-Disposition`, without folders; None if it has none. `filename*` takes precedence."""
    if extended := EXTENDED_NAME.search(header):
        charset = "utf-8" if extended[1].lower() == "utf-8" else "latin-1"
        return _last_part(unquote(extended[2], charset, "replace")) or None
    plain = PLAIN_NAME.search(header)
    if plain is None:
        return None
    name = re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
    return _last_part(_as_utf8(name)) or None


def _as_utf8(text: str) -> str:
    """Return a header's text, which was decoded as Latin-1, as the UTF-8 that most servers send."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _last_part(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def kind_in_folder(name: str, kinds: frozenset[FileKind]) -> FileKind:
    """Return the kind of a checked name.

    Raises:
        ValueError: the folder does not take this kind; the message continues the sentence after the name.
    """
    kind = kind_of(name)
    if kind is None or kind not in kinds:
        allowed = [ending for ending, one in ENDINGS.items() if one in kinds]
        raise ValueError(f"is not a kind of file for this folder; it takes {', '.join(allowed)}")
    return kind


def page_hint(url: str) -> str | None:
    """Return the remedy for the URL of a well-known web page about a model, None for any other URL."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if host == "huggingface.co" and "/blob/" in parts.path:
        return "is a web page about the file; replace /blob/ by /resolve/"
    if host in ("civitai.com", "civitai.red") and parts.path.startswith("/models/"):
        return "is a web page about the model; use the address of its download button, /api/download/models/…"
    return None


def without_credentials(url: str) -> str:
    """Return a URL as it may be shown and stored: user, password and query values that may be credentials are masked."""
    parts = urlsplit(url)
    authority = f"***@{parts.netloc.rpartition('@')[2]}" if "@" in parts.netloc else parts.netloc
    query = "&".join(_shown(parameter) for parameter in parts.query.split("&")) if parts.query else ""
    return parts._replace(netloc=authority, query=query, fragment="").geturl()


def has_credentials(url: str) -> bool:
    """Return whether `without_credentials` masks a part of a URL."""
    return without_credentials(url) != urlsplit(url)._replace(fragment="").geturl()


def _shown(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return "***"
    hidden = len(value) > MAX_SHOWN_VALUE or HIDDEN_IN_QUERY.search(unquote(name)) is not None
    return f"{name[:MAX_SHOWN_VALUE]}=***" if hidden else parameter
