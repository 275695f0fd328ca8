"""The settings that a few-step performance makes itself, so that a request leaves them out."""

from __future__ import annotations

from ...images.metadata.schemes.found import Metadata
from ...tasks.ports.performance import Performance
from .draft import Draft

NO_FILE = ("", "none", "automatic", "default")
"""Names, in lower case, that mean no file of their own."""


def leave_to(performance: Performance, draft: Draft, found: Metadata) -> None:
    """Note the values that the performance sets itself."""
    parameters = found.parameters
    positive, negative, end = parameters.adm_guidance or (None, None, None)
    for field, value in {
        "sampler_name": parameters.sampler,
        "scheduler_name": parameters.scheduler,
        "guidance_scale": parameters.guidance_scale,
        "sharpness": parameters.sharpness,
        "adaptive_cfg": parameters.adaptive_cfg,
        "adm_scaler_positive": positive,
        "adm_scaler_negative": negative,
        "adm_scaler_end": end,
        "freeu_enabled": parameters.freeu,
        "refiner_model_name": parameters.refiner_model if names_refiner(found) else None,
        "refiner_switch": parameters.refiner_switch,
        "overwrite_switch": parameters.overwrite_switch,
        "refiner_swap_method": parameters.refiner_swap_method,
    }.items():
        if value is not None:
            draft.leave_out(field, value, f"the performance {performance.name} sets this itself")


def names_refiner(found: Metadata) -> bool:
    """Return whether the parameters name a refiner."""
    refiner = found.parameters.refiner_model
    return refiner is not None and refiner.lower() not in NO_FILE
