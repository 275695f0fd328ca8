"""Tags of an illustration by its colours, its brightness and its background's detail, without a neural network."""
import numpy as np

from extras.colours import dominant, light
from extras.inpaint_mask import subject


def default_interrogator(image_rgb: np.ndarray, threshold=0.35, character_threshold=0.85, exclude_tags='') -> str:
    """Return comma-separated tags for an image, uint8 HxWx3 RGB. All tags are certain: the thresholds are unused."""
    colours = dominant(image_rgb, 3)
    grey = set(colours) <= {'black', 'grey', 'white'}
    found = subject(image_rgb)
    tags = ['monochrome' if grey else f'{colours[0]} theme', *colours, light(image_rgb),
            'simple background' if _edges(image_rgb[~found][None] if found.any() else image_rgb) < 4 else 'detailed']
    if found.any():
        tags.append('solo')
    remove = {tag.strip() for tag in exclude_tags.lower().split(',')}
    return ', '.join(tag for tag in dict.fromkeys(tags) if tag not in remove)


def _edges(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.mean(2), axis=1)).mean()) if image.shape[1] > 1 else 0.0
