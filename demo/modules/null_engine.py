"""Engine of --demo-null WxH, which generates no image, so that everything around it can be measured."""
import time

import numpy as np

import args_manager
import ldm_patched.modules.model_management as model_management

_pictures: list[np.ndarray] = []
_photos: list[np.ndarray] = []


def picture(step: int) -> np.ndarray:
    """Return a smooth uint8 HxWx3 array that differs from the next step's. All are made in advance."""
    if not _pictures:
        width, height = args_manager.args.demo_null
        x, y = np.linspace(0, 127, width), np.linspace(0, 127, height)[:, None]
        for shift in range(32):
            planes = x + y, np.abs(x - y) + shift * 4, np.full((height, width), shift * 8)
            _pictures.append(np.stack(planes, 2).astype(np.uint8))
    return _pictures[step % len(_pictures)]


def idle_diffusion(steps: int, callback, disable_preview: bool) -> list[np.ndarray]:
    """Run the steps of `process_diffusion` without any computation."""
    for step in range(steps):
        model_management.throw_exception_if_processing_interrupted()
        time.sleep(args_manager.args.demo_step_ms / 1000)
        callback(step, None, None, steps, None if disable_preview else picture(step))
    return [photo() if args_manager.args.demo_photo else picture(0)]


def photo() -> np.ndarray:
    """Return the picture of --demo-photo: smooth, with the noise of a sensor, which no encoder can predict."""
    if not _photos:
        smooth = picture(0).astype(np.int16)
        noise = np.random.default_rng(1).normal(0, 5, smooth.shape)
        _photos.append((smooth + noise).clip(0, 255).astype(np.uint8))
    return _photos[0].copy()


if args_manager.args.demo_null:
    picture(0)
    if args_manager.args.demo_photo:
        photo()
