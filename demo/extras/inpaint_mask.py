"""Mask of an image's subject: pixels that differ from its border, weighted towards the centre."""
import sys

import numpy as np
from PIL import Image, ImageFilter


class SAMOptions:
    def __init__(self, dino_prompt: str = '', dino_box_threshold=0.3, dino_text_threshold=0.25,
                 dino_erode_or_dilate=0, dino_debug=False, max_detections=2, model_type='vit_b'):
        self.dino_prompt = dino_prompt
        self.dino_box_threshold = dino_box_threshold
        self.dino_text_threshold = dino_text_threshold
        self.dino_erode_or_dilate = dino_erode_or_dilate
        self.dino_debug = dino_debug
        self.max_detections = max_detections
        self.model_type = model_type


def subject(image: np.ndarray) -> np.ndarray:
    """Return the subject's mask, bool HxW, all False for an image of one colour."""
    height, width = image.shape[:2]
    small = np.asarray(Image.fromarray(image).resize((96, 96), Image.Resampling.BOX), np.float32)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    # A border usually has several colours, such as sky and ground: pixels near to any of them are background.
    known = border[np.linspace(0, len(border) - 1, 64).astype(int)]
    distance = np.sqrt(((small[:, :, None] - known) ** 2).sum(3).min(2))
    if distance.max() < 8:
        return np.zeros((height, width), bool)
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    salience = distance / distance.max() * np.exp(-(x ** 2 + y ** 2))
    blob = Image.fromarray(np.uint8(255 * (salience > .25))).filter(ImageFilter.MedianFilter(5))
    return np.asarray(blob.resize((width, height), Image.Resampling.BICUBIC)) > 127


def generate_mask_from_image(image: np.ndarray, mask_model: str = 'sam', extras=None, sam_options=SAMOptions):
    """Return the mask and three counts of detections. The mask is uint8: HxW, or HxWx3 from the model 'sam'.

    'sam' finds the one subject for any prompt; the clothes 'upper' and 'lower' are its halves.
    """
    if image is None:
        return None, 0, 0, 0
    if 'image' in image:
        image = image['image']
    found = subject(image)
    if mask_model != 'sam' or sam_options is None:
        if mask_model == 'u2net_cloth_seg':
            found = found & _clothes(found, (extras or {}).get('cloth_category', 'full'))
        return np.uint8(found) * 255, 0, 0, 0
    detections = int(found.any())
    if detections and (sam_options.dino_debug or sam_options.dino_erode_or_dilate):
        box = _box(found, sam_options.dino_erode_or_dilate)
        found = box if sam_options.dino_debug else found & box
    if sam_options.max_detections == 0:
        sam_options.max_detections = sys.maxsize
    return np.uint8(np.dstack([found] * 3)) * 255, detections, detections, min(detections, sam_options.max_detections)


def _clothes(found: np.ndarray, category: str) -> np.ndarray:
    """Return the rows of the subject's upper or lower half, or all rows."""
    rows = np.arange(found.shape[0])[:, None]
    middle = np.nonzero(found.any(1))[0].mean() if found.any() else 0
    return {'upper': rows < middle, 'lower': rows >= middle}.get(category, rows >= 0)


def _box(found: np.ndarray, grow: int) -> np.ndarray:
    """Return the subject's bounding box, larger by `grow` pixels on each side."""
    rows, columns = np.nonzero(found.any(1))[0], np.nonzero(found.any(0))[0]
    box = np.zeros_like(found)
    box[max(0, rows[0] - grow):max(0, rows[-1] + 1 + grow),
        max(0, columns[0] - grow):max(0, columns[-1] + 1 + grow)] = True
    return box
