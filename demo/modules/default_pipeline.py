"""The engine: loads checkpoints (palettes in JSON), encodes prompts, denoises step by step from seeded noise.

In place of a neural network, the denoiser's guess at the clean image is the painted scene itself, as coarse
as the remaining noise. All else (noise, schedules, Euler steps, refiner, interruption) is as usual.
"""
import json
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

import args_manager
import ldm_patched.modules.model_management as model_management
import modules.config
import modules.flags as flags
from extras.expansion import FooocusExpansion
from modules.null_engine import idle_diffusion
from modules.painter import paint
from modules.util import get_enabled_loras, get_file_from_folder_list

SIGMA_MAX, SIGMA_MIN = 4.0, 0.03
LATENT_SCALE = 4  # the sampler works on an image this much smaller, and previews are of that size

model_base: dict | None = None
model_refiner: dict | None = None
final_unet: dict | None = None  # the model in use: the base model with the last task's settings
final_loras: list[dict] = []
final_vae: dict = {}
final_expansion: Callable[[str, int], str] | None = None  # loaded with the models, as in the real host


def load_model(filename: str) -> dict:
    """Load a checkpoint. Raises FileNotFoundError if it is missing, ValueError if it is not JSON."""
    time.sleep(args_manager.args.demo_load_ms / 1000)
    with open(filename, encoding='utf-8') as file:
        model = json.load(file) | {'filename': filename}
    model_management.current_loaded_models.append(model)
    print(f'Loaded {filename}')
    return model


def refresh_model(model: dict | None, name: str) -> dict | None:
    """Return the named model: `model` if it is that one and still loaded, else a new one."""
    if name == 'None':
        return None
    filename = get_file_from_folder_list(name, modules.config.paths_checkpoints)
    still_loaded = model in model_management.current_loaded_models
    if still_loaded and model['filename'] == filename:
        return model
    loaded = load_model(filename)
    if still_loaded:
        model_management.current_loaded_models.remove(model)
    return loaded


def refresh_everything(refiner_model_name: str, base_model_name: str, loras: list,
                       vae_name: str = flags.default_vae) -> None:
    """Load the models that are not loaded yet. A missing LoRA is skipped, a missing checkpoint is an error."""
    global model_base, model_refiner, final_unet, final_loras, final_vae, final_expansion
    final_unet = None
    model_refiner = refresh_model(model_refiner, refiner_model_name)
    model_base = refresh_model(model_base, base_model_name)
    final_loras = []
    for name, weight in loras:
        try:
            with open(get_file_from_folder_list(name, modules.config.paths_loras), encoding='utf-8') as file:
                final_loras.append(json.load(file) | {'weight': weight})
        except FileNotFoundError:
            print(f'LoRA {name} is not there: skipped')
    final_vae = {}
    if vae_name != flags.default_vae:
        with open(get_file_from_folder_list(vae_name, modules.config.path_vae), encoding='utf-8') as file:
            final_vae = json.load(file)
    final_unet = model_base
    if final_expansion is None:
        final_expansion = FooocusExpansion()


def prepare_text_encoder(async_call=True) -> None:
    """Do nothing. The real host moves its text encoder back here, after 'finish'."""


def clip_encode(texts: list[str]) -> str:
    return ', '.join(texts)


def calculate_sigmas(scheduler_name: str, steps: int, denoise: float) -> np.ndarray:
    """Return steps + 1 noise levels, falling to 0. With denoise below 1 they are the end of a longer schedule."""
    if scheduler_name not in flags.scheduler_list:
        raise ValueError(f'no scheduler is called {scheduler_name}')
    ramp = np.linspace(0, 1, max(steps, round(steps / denoise)))
    if scheduler_name in ('karras', 'edm_playground_v2.5', 'align_your_steps'):
        sigmas = (SIGMA_MAX ** (1 / 7) + ramp * (SIGMA_MIN ** (1 / 7) - SIGMA_MAX ** (1 / 7))) ** 7
    elif scheduler_name in ('exponential', 'turbo'):
        sigmas = SIGMA_MAX * (SIGMA_MIN / SIGMA_MAX) ** ramp
    else:
        sigmas = SIGMA_MAX + ramp * (SIGMA_MIN - SIGMA_MAX)
    return np.append(sigmas[len(sigmas) - steps:], 0)


def process_diffusion(positive_cond: str, negative_cond: str, steps: int, switch: int, width: int,
                      height: int, image_seed: int, callback, sampler_name: str, scheduler_name: str,
                      latent=None, denoise=1.0, cfg_scale=7.0, guides=(),
                      disable_preview=False) -> list[np.ndarray]:
    """Return one image, uint8 HxWx3, in a list.

    callback: called after each step with (step, None, None, steps, preview or None).
    latent: (image, mix) to begin from an image; mix, a number or HxWx1, is the share of the scene.
    guides: (image, weight) pairs whose colours the scene takes on.
    """
    if args_manager.args.demo_null:
        return idle_diffusion(steps, callback, disable_preview)
    if latent is None:
        width, height = width // 8 * 8, height // 8 * 8

    def scene(model):
        full = paint(width, height, positive_cond, negative_cond, image_seed, _look(model, cfg_scale))
        for image, weight in guides:
            colour = image.reshape(-1, 3).mean(0, dtype=np.float32) / 255
            full = full * (1 - weight / 2) + full.mean(2, keepdims=True) * colour * weight
        if latent is not None:
            full = latent[0] / np.float32(255) * (1 - latent[1]) + full * latent[1]
        return _uint8(full)

    clean = scene(model_base)
    sigmas = calculate_sigmas(scheduler_name, steps, denoise)
    noise = np.random.default_rng(image_seed)
    small = (height // LATENT_SCALE, width // LATENT_SCALE, 3)
    x = noise.standard_normal(small, np.float32) * np.float32(sigmas[0])
    low = _resized(clean, small)
    if latent is not None:
        x += _float(_resized(latent[0], small))
    for step in range(steps):
        model_management.throw_exception_if_processing_interrupted()
        time.sleep(args_manager.args.demo_step_ms / 1000)
        if model_refiner is not None and step == switch:
            clean = scene(model_refiner)
            low = _resized(clean, small)
        now, after = float(sigmas[step]), float(sigmas[step + 1])
        guess = _float(_coarse(low, now))
        up = 0.0  # an ancestral sampler goes further down, and adds new noise for the difference
        if 'ancestral' in sampler_name or 'sde' in sampler_name:
            up = min(after, (after ** 2 * (now ** 2 - after ** 2)) ** .5 / now)
        x = guess + (x - guess) * (after ** 2 - up ** 2) ** .5 / now
        if up:
            x += noise.standard_normal(small, np.float32) * np.float32(up)
        preview = None if disable_preview else _uint8((guess + (x - guess) / (1 + after)) / 2 + .5)
        callback(step, None, None, steps, preview)
    # Detail that the latent is too small to hold, less of it after fewer steps: a single one leaves the image blurred.
    detail = (clean.astype(np.float32) - _resized(low, clean.shape)) / _blocks(sigmas[-2])
    return [(_resized(_uint8(x / 2 + .5), clean.shape) + detail).clip(0, 255).round().astype(np.uint8)]


def _look(model: dict, cfg_scale: float) -> dict:
    """Return a checkpoint's settings, adjusted by LoRAs, VAE and guidance."""
    tint, haze, guidance = np.ones(3), 0.0, .88 + .03 * min(cfg_scale, 12)
    for lora in final_loras:
        tint = tint * (1 + (np.array(lora.get('tint', [1, 1, 1])) - 1) * lora['weight'])
        haze += lora.get('haze', 0) * lora['weight']
    return {'palette': model['palette'], 'tint': tint.clip(0, 3), 'haze': min(max(haze, 0), .9),
            'saturation': model['saturation'] * final_vae.get('saturation', 1) * guidance,
            'contrast': model['contrast'] * final_vae.get('contrast', 1)}


def _blocks(sigma: float) -> int:
    """Return the size in latent pixels of the smallest detail at this noise level."""
    return 1 + int(sigma * 6)


def _coarse(image: np.ndarray, sigma: float) -> np.ndarray:
    height, width = image.shape[:2]
    blocks = _blocks(sigma)
    return _resized(_resized(image, (max(1, height // blocks), max(1, width // blocks))), image.shape)


def _resized(image: np.ndarray, shape) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _float(image: np.ndarray) -> np.ndarray:
    return image / np.float32(127.5) - 1


def _uint8(image: np.ndarray) -> np.ndarray:
    return (image * 255).clip(0, 255).round().astype(np.uint8)


try:
    refresh_everything(modules.config.default_refiner_model_name, modules.config.default_base_model_name,
                       get_enabled_loras(modules.config.default_loras), modules.config.default_vae)
except (OSError, ValueError) as error:
    print(f'The default checkpoint could not be loaded: {error}')
