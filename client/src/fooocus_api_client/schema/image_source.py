"""The forms in which a caller gives an image."""

from __future__ import annotations

import os
from typing import Union

ImageSource = Union[str, bytes, "os.PathLike[str]"]
"""The content of an image file, the path of one as `pathlib.Path`, or a text as the API takes it: a URL, base64, a data URI, or
the URL of an earlier result or upload."""
