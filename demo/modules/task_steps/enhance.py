"""Enhancement of an image: it is varied or upscaled, and parts of it are detected and regenerated, step by step."""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

import modules.core as core
import modules.flags as flags
from extras.inpaint_mask import SAMOptions, generate_mask_from_image
from modules.task_steps.image_input import Plan, apply_upscale, apply_vary
from modules.util import HWC3


@dataclass
class Step:
    """One enhancement step. `plan` returns the plan for an image, or None if there is nothing to enhance."""

    prompt: str
    negative_prompt: str
    plan: Callable[[np.ndarray], Plan | None]


def enhance_steps(task) -> list[Step]:
    """Return the steps for every image, in order."""
    if not task.should_enhance:
        return []
    steps = [_part(task, *control) for control in task.enhance_ctrls]
    if task.enhance_uov_method != flags.disabled.casefold():
        first = task.enhance_uov_processing_order == flags.enhancement_uov_before
        prompts = task.prompt, task.negative_prompt
        if not first and task.enhance_uov_prompt_type == flags.enhancement_uov_prompt_type_last_filled and steps:
            prompts = steps[-1].prompt, steps[-1].negative_prompt
        steps.insert(0 if first else len(steps), Step(*prompts, lambda image: _whole(task, image)))
    return steps


def _whole(task, image) -> Plan:
    plan = Plan()
    apply = apply_vary if 'vary' in task.enhance_uov_method else apply_upscale
    apply(task, image, task.enhance_uov_method, plan)
    return plan


def _part(task, dino_prompt, prompt, negative_prompt, mask_model, cloth_category, sam_model, text_threshold,
          box_threshold, max_detections, disable_initial_latent, engine, strength, respective_field,
          erode_or_dilate, invert) -> Step:
    def plan(image):
        options = SAMOptions(dino_prompt, box_threshold, text_threshold, task.dino_erode_or_dilate,
                             task.debugging_dino, max_detections, sam_model)
        mask = generate_mask_from_image(image, mask_model, {'cloth_category': cloth_category}, options)[0]
        mask = HWC3(mask)[:, :, 0]
        if invert:
            mask = 255 - mask
        if not mask.any():
            print(f'[Demo] No "{dino_prompt}" detected, skipping')
            return None
        soft = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(3))
        return Plan(latent=core.encode_vae_inpaint(None, image, np.asarray(soft)), denoise=max(strength, .01))

    return Step(prompt or task.prompt, negative_prompt or task.negative_prompt, plan)
