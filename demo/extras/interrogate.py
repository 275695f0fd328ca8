"""Description of a photo by its brightness, its colours and its subject's place, without a neural network."""
import numpy as np

from extras.colours import dominant, is_wide, light
from extras.inpaint_mask import subject


def default_interrogator(img_rgb: np.ndarray) -> str:
    """Describe an image, uint8 HxWx3 RGB, in one sentence."""
    kind = 'wide' if is_wide(img_rgb) else 'square' if img_rgb.shape[0] == img_rgb.shape[1] else 'tall'
    words = f'a {kind} {light(img_rgb)} picture in {" and ".join(dominant(img_rgb, 2))}'
    found = subject(img_rgb)
    if found.any():
        rows, columns = np.nonzero(found)
        across = _third(columns.mean() / found.shape[1], 'on the left', 'in the middle', 'on the right')
        down = _third(rows.mean() / found.shape[0], 'at the top', '', 'at the bottom')
        words += f' with something {dominant(img_rgb[found][None], 1)[0]} {" ".join(filter(None, (across, down)))}'
    return words


def _third(position: float, low: str, middle: str, high: str) -> str:
    return low if position < 1 / 3 else middle if position < 2 / 3 else high
