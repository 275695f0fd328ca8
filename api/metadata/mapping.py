"""Makes a request of found parameters: each value under the field that it has on this host."""

from __future__ import annotations

import re
from collections.abc import Collection

from ...images.metadata.schemes.found import FoundLora, Metadata
from ...tasks.ports.performance import Performance
from ..context import Catalog
from ..validation.nearest_names import plain
from .draft import Draft
from .model_files import ModelFiles, stem
from .own_settings import NO_FILE, leave_to, names_refiner
from .prompts import tags_in, without_tags
from .sampling import set_sampling
from .styles import Resolved, styles_of

STEP = 8
"""Pixels. Fooocus rounds sides down to a multiple of this."""
SIDES = range(64, 2049)
STEPS_OF_UPSCALES = (18, 36)
"""Steps with which Fooocus varies and upscales, in place of those of the performance."""
MAX_LORAS = 100
"""LoRAs of a file that are looked for."""
PLAIN_PERFORMANCE = "Speed"
KNOWN_LORAS = {
    "Extreme Speed": "sdxl_lcm_lora",
    "Lightning": "sdxl_lightning_4step_lora",
    "Hyper-SD": "sdxl_hyper_sd_4step_lora",
}
"""Performance → stem of its own LoRA, for hosts that name none."""
CLIP_SKIP_SINCE = (2, 4)
"""Version of Fooocus since which files name the CLIP skip, unless it is 1. Before, it was always 2."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


def fill_request(draft: Draft, found: Metadata, catalog: Catalog, max_loras: int | None) -> None:
    """Fill the draft's request with all parameters that this host has a value for.

    Args:
        max_loras: the host's number of LoRAs, None if unknown.
    """
    parameters = found.parameters
    files = ModelFiles(catalog, draft)
    performance = _performance(draft, found, catalog, of_image=_set_size(draft, found, catalog))
    draft.set(
        prompt=without_tags(parameters.prompt or ""),
        negative_prompt=without_tags(parameters.negative_prompt or ""),
        style_selections=_styles(draft, found, catalog),
        image_number=1,
        image_seed=_seed(draft, parameters.seed),
    )
    _set_models(draft, found, catalog, files, has_own_settings=performance is not None and performance.lora is not None)
    loras = _loras(draft, found, files, performance)
    if max_loras is not None and len(loras) > max_loras:
        for lora in loras[max_loras:]:
            draft.leave_out("loras", lora["model_name"], f"this host applies at most {max_loras} LoRAs")
    draft.set(loras=loras[:max_loras])
    draft.set(clip_skip=_clip_skip(found))
    if performance is not None and performance.lora is not None:
        leave_to(performance, draft, found)
        return
    set_sampling(draft, found, catalog)
    draft.set(
        guidance_scale=parameters.guidance_scale,
        sharpness=parameters.sharpness,
        adaptive_cfg=parameters.adaptive_cfg,
    )
    if parameters.adm_guidance is not None:
        positive, negative, end = parameters.adm_guidance
        draft.set(adm_scaler_positive=positive, adm_scaler_negative=negative, adm_scaler_end=end)
    if parameters.freeu is not None:
        b1, b2, s1, s2 = parameters.freeu
        draft.set(freeu_enabled=True, freeu_b1=b1, freeu_b2=b2, freeu_s1=s1, freeu_s2=s2)


def _seed(draft: Draft, written: str | None) -> str | None:
    if written is None or not written.startswith("-"):
        return written
    draft.leave_out("image_seed", written, "a seed is not negative: the file does not name the one that was used")
    return None


def _performance(draft: Draft, found: Metadata, catalog: Catalog, *, of_image: bool) -> Performance | None:
    """Set performance and steps, and return this host's performance, None if it is unknown.

    Args:
        of_image: the image was probably made of another one.
    """
    known = {plain(one.name): one for one in catalog.performances()}
    written, steps = found.parameters.performance, found.parameters.steps
    performance = known.get(plain(written)) if written is not None else None
    if written is not None and performance is None:
        draft.leave_out("performance_selection", written, "this host has no such performance")
    chosen = performance
    if chosen is None:  # the host's default may bring a LoRA
        plain_ones = [one for one in known.values() if one.lora is None]
        chosen = next(
            (one for one in plain_ones if one.name == PLAIN_PERFORMANCE), plain_ones[0] if plain_ones else None
        )
    draft.set(performance_selection=chosen.name if chosen else None)
    if steps is not None and (chosen is None or chosen.steps != steps):
        if of_image and steps in STEPS_OF_UPSCALES:
            draft.leave_out("overwrite_step", str(steps), "these are the steps of an upscale or a variation")
        else:
            draft.set(overwrite_step=steps)
    return performance


def _styles(draft: Draft, found: Metadata, catalog: Catalog) -> list[str]:
    """Return the styles by this host's names. A text in A1111's notation is searched for theirs."""
    parameters = found.parameters
    written = parameters.styles
    if written is None and parameters.full_prompt is not None and found.by_fooocus:
        written, complete = styles_of(
            Resolved(
                (parameters.prompt or "").split("\n"),
                (parameters.negative_prompt or "").split("\n"),
                ", ".join(parameters.full_prompt),
                ", ".join(parameters.full_negative_prompt or ()),
            ),
            catalog.style_texts(),
        )
        if not complete:
            draft.warn(
                "the file names no styles, and their texts are not all those of this host's styles; "
                "`full_prompt` and `full_negative_prompt` of `parameters` have the texts"
            )
            draft.leave_out("style_selections", parameters.full_prompt[0][:1000], "not all styles are recognised")
    names = catalog.names("styles")
    known = {plain(name): name for name in names}
    styles = []
    for style in written or ():
        name = style if style in names else known.get(plain(style))
        if name is not None:
            styles.append(name)
        else:
            draft.leave_out("style_selections", style, "this host has no such style")
    return styles


def _set_size(draft: Draft, found: Metadata, catalog: Catalog) -> bool:
    """Set the size, and return whether the image was probably made of another one."""
    width, height = found.parameters.width, found.parameters.height
    if width is None or height is None:
        for field, side in (("overwrite_width", width), ("overwrite_height", height)):
            if side is not None:
                draft.leave_out(field, side, "the file has no other side")
        return False
    listed = catalog.names("aspect_ratios")
    written = f"{width}*{height}"
    if written in listed:
        draft.set(aspect_ratios_selection=written)
    elif width in SIDES and height in SIDES:
        draft.set(overwrite_width=width, overwrite_height=height)
    else:
        reason = f"a side is not {SIDES.start} to {SIDES.stop - 1} pixels"
        draft.leave_out("aspect_ratios_selection", f"{width}x{height}", reason)
    if found.size is not None and found.size != (width, height) and found.size != (_rounded(width), _rounded(height)):
        draft.warn(
            f"the image has {found.size[0]}x{found.size[1]} pixels, its parameters say {width}x{height}: it was varied, "
            "upscaled, inpainted or scaled; the request generates from the text alone"
        )
        return True
    if found.by_fooocus and written not in listed:
        draft.warn(
            f"{width}x{height} is none of this host's sizes: if the image was made of another image, the request can't "
            "repeat it, as files do not name input images"
        )
        return True
    return False


def _rounded(side: int) -> int:
    return side // STEP * STEP


def _set_models(draft: Draft, found: Metadata, catalog: Catalog, files: ModelFiles, *, has_own_settings: bool) -> None:
    """Set checkpoint, refiner and VAE.

    Args:
        has_own_settings: the performance sets the refiner itself.
    """
    parameters = found.parameters
    if parameters.base_model:
        base = files.find("base_model_name", "model_files", parameters.base_model, parameters.base_model_hash)
        draft.set(base_model_name=base)
    elif parameters.base_model_hash:
        base = files.find("base_model_name", "model_files", parameters.base_model_hash, parameters.base_model_hash)
        draft.set(base_model_name=base)
    _set_vae(draft, found, catalog, files)
    draft.set(refiner_model_name="None")
    if has_own_settings:
        return
    if names_refiner(found):
        name = parameters.refiner_model or ""
        draft.set(
            refiner_model_name=files.find("refiner_model_name", "model_files", name, parameters.refiner_model_hash)
        )
    draft.set(  # they have no effect without a refiner, and are right once the client names one
        refiner_switch=parameters.refiner_switch,
        overwrite_switch=parameters.overwrite_switch,
        refiner_swap_method=parameters.refiner_swap_method,
    )


def _set_vae(draft: Draft, found: Metadata, catalog: Catalog, files: ModelFiles) -> None:
    listed, written = catalog.names("vaes"), found.parameters.vae
    default = next((name for name in listed if name not in catalog.names("vae_files")), None)
    if written is None or written == default or written.lower() in NO_FILE:
        draft.set(vae_name=default)
        return
    draft.set(vae_name=files.find("vae_name", "vae_files", written) or default)


def _loras(
    draft: Draft, found: Metadata, files: ModelFiles, performance: Performance | None
) -> list[dict[str, object]]:
    """Return the LoRAs by this host's files, without the one that the performance brings."""
    own = _own_lora(performance)
    loras: list[dict[str, object]] = []
    taken: set[str] = set()
    all_loras = _found_loras(draft, found)
    for lora in all_loras[MAX_LORAS:]:
        draft.leave_out("loras", lora.name, f"only the first {MAX_LORAS} LoRAs are looked for")
    for lora in all_loras[:MAX_LORAS]:
        if own is not None and stem(lora.name) == own:
            continue
        file = files.find("loras", "lora_files", lora.name, lora.hash, is_sha256=found.by_fooocus)
        if file in taken:
            draft.leave_out("loras", lora.name, f"{file!r} is in the request already")
        elif file is not None:
            taken.add(file)
            loras.append({"enabled": lora.enabled, "model_name": file, "weight": lora.weight})
    return loras


def _own_lora(performance: Performance | None) -> str | None:
    if performance is None:
        return None
    return stem(performance.lora) if performance.lora else KNOWN_LORAS.get(performance.name)


def _found_loras(draft: Draft, found: Metadata) -> list[FoundLora]:
    """Return the LoRAs of the list, and of the tags in the prompt, whose hashes a list may have."""
    listed = found.parameters.loras or []
    hashes = {lora.name: lora.hash for lora in listed}
    names = {stem(lora.name) for lora in listed if lora.weight is not None}
    loras = [lora for lora in listed if lora.weight is not None]
    for name, weight in _tags(draft, found):
        if weight is None:
            draft.leave_out("loras", name, "the tag in the prompt has no valid weight")
        elif stem(name) not in names:
            loras.append(FoundLora(name, weight, hashes.get(name)))
    tagged = {stem(lora.name) for lora in loras}
    for lora in listed:
        if lora.weight is None and stem(lora.name) not in tagged:
            draft.leave_out("loras", lora.name, "its weight is unknown")
    return loras


def _tags(draft: Draft, found: Metadata) -> Collection[tuple[str, float | None]]:
    for name, _ in tags_in(found.parameters.negative_prompt or ""):
        draft.leave_out("negative_prompt", name, "Fooocus applies no LoRA of a negative prompt")
    return dict.fromkeys(tags_in(found.parameters.prompt or ""))


def _clip_skip(found: Metadata) -> int | None:
    """Return the CLIP skip. A file of Fooocus without one has 1, or 2 if its version is older than the setting."""
    if found.parameters.clip_skip is not None or not found.by_fooocus:
        return found.parameters.clip_skip
    version = found.generator.version or ""
    match = _VERSION.search(version.partition("base version")[2] or version)
    if match is None or found.generator.name not in ("Fooocus", "Fooocus vExtend"):
        return None
    return 1 if (int(match[1]), int(match[2])) >= CLIP_SKIP_SINCE else 2
