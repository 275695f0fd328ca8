"""The WebUI's menu of presets: a page that is loaded later shows its new choices."""

from __future__ import annotations

import logging
from typing import Any

from ..host_modules import host_module, loaded_module

log = logging.getLogger("fooocus_api.presets")


def show_presets() -> None:
    """Have the WebUI's next page, and its refresh, list the presets that exist now. Without a menu do nothing."""
    try:
        config = host_module("modules.config")
        getattr(config, "update_presets", config.update_files)()  # the list that the WebUI's own refresh sends
        names = list(config.get_presets())
        blocks: Any = getattr(loaded_module("shared"), "gradio_root", None)
        if (menu := _menu(blocks)) is not None:
            menu.choices[:] = _like(menu.choices, names)
            # Gradio sends each page this description, made when the WebUI was built.
            for component in blocks.config["components"]:
                if component["id"] == menu._id:
                    component["props"]["choices"] = menu.choices
    except Exception:  # the preset is written, and the WebUI's own refresh shows it
        log.exception("presets not updated in the WebUI")


def _menu(blocks: Any) -> Any:
    """Return the control that lists the presets, None if the WebUI has none."""
    named = getattr(loaded_module("webui"), "preset_selection", None)
    if _lists_presets(named):
        return named
    controls = getattr(blocks, "blocks", {}).values()
    return next((control for control in controls if _lists_presets(control)), None)


def _lists_presets(control: Any) -> bool:
    """Return whether a control's choices begin with the preset that stands for none, which no other list contains."""
    choices = getattr(control, "choices", None)
    return isinstance(choices, list) and bool(choices) and choices[0] in ("initial", ("initial", "initial"))


def _like(choices: list[Any], names: list[str]) -> list[Any]:
    """Return the names in the form of these choices, which in some versions of Gradio are pairs."""
    return [(name, name) for name in names] if isinstance(choices[0], tuple) else list(names)
