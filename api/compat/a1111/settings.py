"""The settings of this API: their values for a request, and what a client keeps of them for its later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool

from ....asgi.surfaces.surface import Surface
from ...context import Context
from .names.checkpoints import NO_FILE, find_file, titled
from .routing import Refused

CHECKPOINT, VAE, CLIP, FORMAT = "sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers", "samples_format"
STYLES, PERFORMANCE = "fooocus_styles", "fooocus_performance"
KEPT = (CHECKPOINT, VAE, CLIP, FORMAT, STYLES, PERFORMANCE)
"""Settings that have an effect. All others are accepted and ignored."""
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
"""Value of `samples_format` → Pillow's name of the format."""
CLIP_LAYERS = range(1, 13)
MAX_STYLES, MAX_STYLE_LENGTH = 200, 200
CONSTANT = {
    "inpainting_mask_weight": 1.0,
    "initial_noise_multiplier": 1.0,
    "eta_noise_seed_delta": 0,
    "img2img_color_correction": False,
    "face_restoration": False,
    "live_previews_enable": True,
    "save_to_dirs": False,
}
"""Settings that clients read and that have no effect here."""


@dataclass(frozen=True)
class Settings:
    """Settings by Fooocus's names; None for the host's default."""

    checkpoint: str | None = None
    vae: str | None = None
    clip_skip: int | None = None
    format: str = "png"
    styles: list[str] | None = None
    performance: str | None = None

    @property
    def image_format(self) -> str:
        """Pillow's name of the answer's format."""
        return FORMATS[self.format]

    def values(self) -> dict[str, Any]:
        """Return them as fields of a generate request."""
        fields = {
            "base_model_name": self.checkpoint,
            "vae_name": self.vae,
            "clip_skip": self.clip_skip,
            "style_selections": self.styles,
            "performance_selection": self.performance,
        }
        return {name: value for name, value in fields.items() if value is not None}


async def settings_of(context: Context, source: str, override: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a request: those that its source keeps, and over them the request's own.

    Raises:
        Refused: 404, the request names a model that does not exist.
    """
    kept = await context.services.client_options.of(source, Surface.A1111.value)
    return await run_in_threadpool(_settings, context, kept, override or {})


async def keep(context: Context, source: str, settings: Mapping[str, Any]) -> None:
    """Keep settings for the source's later requests. A setting with the value that it has already is not kept, so that a client
    that sends all of them back keeps what it changed.

    Raises:
        Refused: 404, it names a model that does not exist.
        DatabaseUnavailable: nothing was kept.
    """
    present = await shown(context, source)
    changed = {name: settings[name] for name in KEPT if name in settings and settings[name] != present[name]}
    values = await run_in_threadpool(_as_kept, context, changed)
    await context.services.client_options.set(source, Surface.A1111.value, values)


async def shown(context: Context, source: str) -> dict[str, Any]:
    """Return all settings as a client reads them."""
    settings = await settings_of(context, source)
    return await run_in_threadpool(_shown, context, settings)


def _shown(context: Context, settings: Settings) -> dict[str, Any]:
    default = context.host.arguments.default
    model = titled(context.host.catalog, settings.checkpoint or str(default("base_model_name") or "None"))
    return {
        CHECKPOINT: model.title,
        "sd_checkpoint_hash": model.hash or "",
        VAE: settings.vae or "Automatic",
        CLIP: settings.clip_skip or int(default("clip_skip") or 1),
        FORMAT: settings.format,
        STYLES: settings.styles if settings.styles is not None else list(default("style_selections") or []),
        PERFORMANCE: settings.performance or default("performance_selection"),
        **CONSTANT,
    }


def _settings(context: Context, kept: Mapping[str, Any], override: Mapping[str, Any]) -> Settings:
    catalog = context.host.catalog
    values = {**kept, **{name: value for name, value in _as_kept(context, override).items() if value is not None}}
    checkpoint, vae = values.get(CHECKPOINT), values.get(VAE)
    if checkpoint not in catalog.names("model_files"):
        checkpoint = None  # the kept file was deleted
    if vae not in catalog.names("vae_files") or (VAE in override and is_no_file(override[VAE])):
        vae = None
    styles = values.get(STYLES)
    return Settings(
        checkpoint=checkpoint,
        vae=vae,
        clip_skip=values.get(CLIP),
        format=values.get(FORMAT) or "png",
        styles=None if styles is None else [name for name in styles if name in catalog.names("styles")],
        performance=values.get(PERFORMANCE),
    )


def _as_kept(context: Context, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return name → value of the settings among these that have an effect, as they are kept; None for the default."""
    kept: dict[str, Any] = {}
    if CHECKPOINT in settings:
        kept[CHECKPOINT] = _file(context, "model_files", settings[CHECKPOINT])
    if VAE in settings:
        kept[VAE] = None if is_no_file(settings[VAE]) else _file(context, "vae_files", settings[VAE])
    if CLIP in settings:
        kept[CLIP] = clip_of(settings[CLIP])
    if FORMAT in settings:
        written = settings[FORMAT].lower() if isinstance(settings[FORMAT], str) else ""
        kept[FORMAT] = written if written in FORMATS else None
    if isinstance(styles := settings.get(STYLES), list):
        kept[STYLES] = [name[:MAX_STYLE_LENGTH] for name in styles[:MAX_STYLES] if isinstance(name, str)]
    elif STYLES in settings:
        kept[STYLES] = None
    if PERFORMANCE in settings:
        performance = settings[PERFORMANCE]
        known = isinstance(performance, str) and performance in context.host.catalog.names("performances")
        kept[PERFORMANCE] = performance if known else None
    return kept


def clip_of(value: Any) -> int | None:
    """Return a number of CLIP layers that Fooocus accepts, None for the default."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value < 1000:
        return None
    return min(int(value), CLIP_LAYERS[-1])


def is_no_file(value: Any) -> bool:
    """Return whether a name means no VAE file."""
    return not isinstance(value, str) or value.strip().lower() in NO_FILE


def _file(context: Context, kind: str, name: Any) -> str | None:
    """Return the model file of a name, None for an empty one."""
    if not isinstance(name, str) or not name.strip():
        return None
    file = find_file(context.host.catalog, kind, name)
    if file is None:
        raise Refused(404, "Model not found" if kind == "model_files" else "VAE not found")
    return file
