"""Names for an image's colours and brightness."""
import numpy as np
from PIL import Image

NAMES = {
    'black': (20, 20, 20), 'grey': (128, 128, 128), 'white': (240, 240, 240), 'red': (200, 40, 40),
    'orange': (235, 140, 50), 'brown': (110, 70, 40), 'yellow': (235, 215, 70), 'green': (60, 140, 60),
    'teal': (50, 150, 150), 'blue': (55, 90, 190), 'pale blue': (160, 200, 235), 'purple': (120, 60, 150),
    'pink': (235, 150, 190), 'navy': (25, 35, 80), 'beige': (225, 205, 170),
}


def dominant(image: np.ndarray, count: int) -> list[str]:
    """Return the names of the nearest colours of most pixels, most frequent first."""
    side = min(64, *image.shape[:2]) or 1
    pixels = np.asarray(Image.fromarray(image).resize((64, side), Image.Resampling.BOX), np.float32).reshape(-1, 1, 3)
    nearest = ((pixels - np.array(list(NAMES.values()), np.float32)) ** 2).sum(2).argmin(1)
    counts = np.bincount(nearest, minlength=len(NAMES))
    order = sorted(range(len(NAMES)), key=lambda index: -counts[index])
    return [list(NAMES)[index] for index in order[:count] if counts[index]]


def light(image: np.ndarray) -> str:
    """Return 'dark', 'dim', 'soft', 'bright' or 'high contrast'."""
    grey = image.mean(2)
    if grey.std() > 70:
        return 'high contrast'
    return ('dark', 'dim', 'soft', 'bright')[min(3, int(grey.mean() // 64))]


def is_wide(image: np.ndarray) -> bool:
    return image.shape[1] > image.shape[0]
