"""With --demo-null WxH: an engine that draws nothing, so that what is around it can be measured."""
import time

import numpy as np

import args_manager
import ldm_patched.modules.model_management as model_management

_pictures: list[np.ndarray] = []


def picture(step: int) -> np.ndarray:
    """A smooth uint8 array of HxWx3, another one for the next step; made before they are needed."""
    if not _pictures:
        width, height = args_manager.args.demo_null
        x, y = np.linspace(0, 127, width), np.linspace(0, 127, height)[:, None]
        for shift in range(32):
            planes = x + y, np.abs(x - y) + shift * 4, np.full((height, width), shift * 8)
            _pictures.append(np.stack(planes, 2).astype(np.uint8))
    return _pictures[step % len(_pictures)]


def idle_diffusion(steps: int, callback, disable_preview: bool) -> list[np.ndarray]:
    """What `process_diffusion` does, but for the drawing."""
    for step in range(steps):
        model_management.throw_exception_if_processing_interrupted()
        time.sleep(args_manager.args.demo_step_ms / 1000)
        callback(step, None, None, steps, None if disable_preview else picture(step))
    return [picture(0)]


if args_manager.args.demo_null:
    picture(0)
