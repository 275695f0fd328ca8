"""Names that the host knows: Fooocus-API replaces unknown ones by its defaults."""

from __future__ import annotations

import re

from .....tasks.model.workload.lora_tags import TAG, LoraFiles, Tag, tags
from .....tasks.model.workload.model_files import listed_as
from ....context import Catalog
from ....validation.known_names import FILES


class Known:
    """Looks names up in the host's lists. The folders of models are read again at most once. Off the event loop."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._refreshed = False

    def __call__(self, kind: str, name: str) -> bool:
        """Return whether the catalog of this kind has the name; of a file in any notation of its folders."""
        if self._has(kind, name):
            return True
        if kind not in FILES or self._refreshed:
            return False
        self._catalog.refresh()  # the file may be new in its folder
        self._refreshed = True
        return self._has(kind, name)

    def format(self, name: str) -> bool:
        """Return whether the host saves files of this format; `jpg` means `jpeg`."""
        return self._has("output_formats", "jpeg" if name == "jpg" else name)

    def without_unknown_loras(self, prompt: str) -> str:
        """Return a prompt without the tags of LoRAs that Fooocus would drop."""
        if not TAG.search(prompt):
            return prompt
        files = LoraFiles(self._catalog.names("lora_files"))

        def kept(match: re.Match[str]) -> str:
            return match[0] if all(isinstance(tag, Tag) for tag in tags(match[0], files)) else ""

        return TAG.sub(kept, prompt)

    def _has(self, kind: str, name: str) -> bool:
        names = self._catalog.names(kind)
        return name in names or (kind in FILES and listed_as(name, names) is not None)


def without_loras(prompt: str) -> str:
    """Return a prompt without tags of LoRAs, which Fooocus reads only in the positive one."""
    return TAG.sub("", prompt)
