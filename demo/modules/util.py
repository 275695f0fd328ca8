"""Helpers of several modules: file names, LoRA lists, image arrays."""
import datetime
import json
import math
import os
import pathlib
import random
import re

import numpy as np
from PIL import Image

import modules.config


def generate_temp_filename(folder='./outputs/', extension='png') -> tuple[str, str, str]:
    """Return date, full path and bare name of a new image: <folder>/<date>/<date>_<time>_<4 digits>.<extension>."""
    now = datetime.datetime.now()
    date = now.strftime('%Y-%m-%d')
    while True:  # the demo generates many images per second, and four digits would soon collide
        name = f'{now:%Y-%m-%d_%H-%M-%S}_{random.randint(1000, 9999)}.{extension}'
        path = os.path.abspath(os.path.join(folder, date, name))
        if not os.path.exists(path):
            return date, path, name


def get_file_from_folder_list(name: str, folders) -> str:
    """Return the path of a model file, or, if no folder has it, its path in the first one."""
    folders = folders if isinstance(folders, list) else [folders]
    paths = [os.path.abspath(os.path.realpath(os.path.join(folder, name))) for folder in folders]
    return next((path for path in paths if os.path.isfile(path)), paths[0])


def get_enabled_loras(loras: list, remove_none=True) -> list:
    """Return (name, weight) of every (enabled, name, weight) that is enabled."""
    return [(name, weight) for on, name, weight in loras if on and (name != 'None' or not remove_none)]


def parse_lora_references_from_prompt(prompt: str, loras: list, loras_limit=5, lora_filenames=()) -> tuple[list, str]:
    """Return the LoRAs plus those of <lora:stem:weight> in the prompt, and the prompt without; drops unknown ones."""
    pattern = re.compile(r'<lora:([^:]+):([+-]?(?:\d+(?:\.\d*)?|\.\d+))>')
    stems = {}
    for name in lora_filenames:
        stems.setdefault(pathlib.PurePath(name).stem, name)
    found = [(stems[stem], float(weight)) for part in prompt.split(',')
             for stem, weight in pattern.findall(part) if stem in stems]
    new = [lora for lora in found if lora[0] not in [name for name, _ in loras]]
    words = [' '.join(pattern.sub('', part).split()) for part in prompt.split(',')]
    return (loras + new)[:loras_limit], ', '.join(word for word in words if word)


def remove_performance_lora(filenames: list, performance) -> list:
    """Return the LoRA files without that of the performance, which adds it itself."""
    own = performance.lora_filename() if performance is not None else None
    return [name for name in filenames if pathlib.PurePath(name).name != own]


def apply_wildcards(wildcard_text: str, rng, i: int, read_wildcards_in_order: bool) -> str:
    """Return the text with a line of NAME.txt in place of each __NAME__, also of those in such lines."""
    for _ in range(modules.config.wildcards_max_bfs_depth):
        names = re.findall(r'__([\w-]+)__', wildcard_text)
        if not names:
            break
        for name in names:
            lines = _wildcard_lines(name)
            line = name if not lines else lines[i % len(lines)] if read_wildcards_in_order else rng.choice(lines)
            wildcard_text = wildcard_text.replace(f'__{name}__', line, 1)
    return wildcard_text


def _wildcard_lines(name: str) -> list[str]:
    for filename in modules.config.wildcard_filenames:
        if pathlib.PurePath(filename).stem == name:
            text = pathlib.Path(modules.config.path_wildcards, filename).read_text(encoding='utf-8')
            return remove_empty_str(text.splitlines())
    return []


def remove_empty_str(items: list[str], default=None) -> list[str]:
    items = [x for x in items if x != '']
    return [default] if not items and default is not None else items


def is_json(data: str) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


def HWC3(x: np.ndarray) -> np.ndarray:
    """Convert grey, RGB or RGBA uint8 to RGB, with transparency over white."""
    assert x.dtype == np.uint8
    x = x[:, :, None] if x.ndim == 2 else x
    assert x.ndim == 3 and x.shape[2] in (1, 3, 4)
    if x.shape[2] == 4:
        alpha = x[:, :, 3:] / 255
        return (x[:, :, :3] * alpha + 255 * (1 - alpha)).clip(0, 255).astype(np.uint8)
    return np.repeat(x, 3, axis=2) if x.shape[2] == 1 else x


def resample_image(im: np.ndarray, width, height) -> np.ndarray:
    return np.array(Image.fromarray(im).resize((int(width), int(height)), Image.Resampling.LANCZOS))


def get_shape_ceil(h, w) -> float:
    """Return the side of a square of the same area, rounded up to 64."""
    return math.ceil(math.sqrt(h * w) / 64) * 64.0


def get_image_shape_ceil(im: np.ndarray) -> float:
    return get_shape_ceil(*im.shape[:2])


def set_image_shape_ceil(im: np.ndarray, shape_ceil: float) -> np.ndarray:
    """Resize the image, in steps of 64, to that get_shape_ceil."""
    height, width = im.shape[:2]
    for _ in range(256):
        scale = shape_ceil / get_shape_ceil(height, width)
        if scale == 1:
            break
        height, width = (max(1, round(side * scale / 64)) * 64 for side in (height, width))
    return im if (height, width) == im.shape[:2] else resample_image(im, width, height)
