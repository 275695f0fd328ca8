"""Plans for a task's input image: vary, upscale, inpaint, outpaint and image prompts. Uses only Pillow."""
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

import modules.core as core
from modules.util import HWC3, get_shape_ceil, resample_image, set_image_shape_ceil


@dataclass
class Plan:
    """Start of process_diffusion. Without an input image it starts from pure noise at the requested size."""

    latent: tuple | None = None
    denoise: float = 1.0
    steps: int | None = None
    guides: list = field(default_factory=list)
    finished: np.ndarray | None = None  # the result, when no diffusion is needed


def plan_for(task) -> Plan:
    if not task.input_image_checkbox:
        return Plan()
    plan = Plan()
    mixes = task.mixing_image_prompt_and_vary_upscale, task.mixing_image_prompt_and_inpaint
    if task.current_tab == 'ip' or any(mixes):
        plan.guides = [(HWC3(image), min(weight, 1.0))
                       for images in task.cn_tasks.values() for image, _, weight in images]
    if task.current_tab == 'uov' or (task.current_tab == 'ip' and mixes[0]):
        image = None if task.uov_input_image is None else HWC3(task.uov_input_image)
        if image is not None and 'vary' in task.uov_method:
            apply_vary(task, image, task.uov_method, plan)
        elif image is not None and 'upscale' in task.uov_method:
            apply_upscale(task, image, task.uov_method, plan)
    if task.current_tab == 'inpaint' or (task.current_tab == 'ip' and mixes[1]):
        if isinstance(task.inpaint_input_image, dict):
            _inpaint(task, plan)
    if task.current_tab == 'enhance' and task.enhance_input_image is not None:
        plan.finished = HWC3(task.enhance_input_image)
    return plan


def apply_vary(task, image, uov_method, plan) -> None:
    plan.denoise = .5 if 'subtle' in uov_method else .85
    if task.overwrite_vary_strength > 0:
        plan.denoise = task.overwrite_vary_strength
    side = min(max(get_shape_ceil(*image.shape[:2]), 1024), 2048)
    plan.latent = core.encode_vae(None, _even(set_image_shape_ceil(image, side))), plan.denoise * .7


def apply_upscale(task, image, uov_method, plan) -> None:
    height, width = image.shape[:2]
    factor = 1.5 if '1.5x' in uov_method else 2.0 if '2x' in uov_method else 1.0
    side = get_shape_ceil(height * factor, width * factor)
    if side < 1024:
        image = set_image_shape_ceil(image, 1024)
    else:
        image = resample_image(image, width=width * factor, height=height * factor)
    if 'fast' in uov_method or side > 2800:
        plan.finished = image
        return
    plan.denoise = task.overwrite_upscale_strength if task.overwrite_upscale_strength > 0 else .382
    plan.steps = task.performance_selection.steps_uov()
    sharp = np.array(Image.fromarray(image).filter(ImageFilter.UnsharpMask(2, 80)))
    plan.latent = core.encode_vae(None, _even(sharp)), 0.0


def _inpaint(task, plan) -> None:
    image, mask = HWC3(task.inpaint_input_image['image']), task.inpaint_input_image['mask'][:, :, 0]
    upload = task.inpaint_mask_image_upload
    if task.inpaint_advanced_masking_checkbox and upload is not None:
        upload = np.maximum(upload['image'], upload['mask']) if isinstance(upload, dict) else upload
        upload = resample_image(HWC3(upload), image.shape[1], image.shape[0]).mean(2)
        mask = np.maximum(mask, (upload > 127).astype(np.uint8) * 255)
    if task.invert_mask_checkbox:
        mask = 255 - mask
    if not mask.any() and not task.outpaint_selections:
        return
    height, width = image.shape[:2]
    pads = {'top': (int(height * .3), 0, 0, 0), 'bottom': (0, int(height * .3), 0, 0),
            'left': (0, 0, int(width * .3), 0), 'right': (0, 0, 0, int(width * .3))}
    for name in task.outpaint_selections:
        above, below, left, right = pads[name]
        image = np.pad(image, ((above, below), (left, right), (0, 0)), mode='edge')
        mask = np.pad(mask, ((above, below), (left, right)), constant_values=255)
    if task.inpaint_additional_prompt:
        task.prompt = '\n'.join(filter(None, [task.inpaint_additional_prompt, task.prompt]))
    plan.denoise = 1.0 if task.outpaint_selections else max(task.inpaint_strength, .01)
    soft = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(3))
    plan.latent = core.encode_vae_inpaint(None, image, np.asarray(soft))


def _even(image: np.ndarray) -> np.ndarray:
    """Floor the sides to multiples of 8."""
    height, width = (max(8, side // 8 * 8) for side in image.shape[:2])
    return image if (height, width) == image.shape[:2] else resample_image(image, width, height)


def default_size(task) -> tuple[int, int]:
    """Return width and height of an image that starts from noise."""
    width, height = (int(side) for side in task.aspect_ratios_selection.replace('×', ' ').split(' ')[:2])
    return (task.overwrite_width if task.overwrite_width > 0 else width,
            task.overwrite_height if task.overwrite_height > 0 else height)
