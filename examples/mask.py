"""Generate a mask of the objects in a picture, as a PNG in base64. `image` is base64 or a URL; all else is optional."""

import base64

from common import connect, picture

api = connect(__doc__)

params = {
    "image": picture(),
    "mask_model": "isnet-general-use",
    "cloth_category": "full",
    "dino_prompt_text": "",
    "sam_model": "vit_b",
    "box_threshold": 0.3,
    "text_threshold": 0.25,
    "sam_max_detections": 0,
    "dino_erode_or_dilate": 0,
    "dino_debug": False,
}
mask = api.post("/v1/tools/generate_mask", json=params).json()
api.save("mask", base64.b64decode(mask))

mask = api.post("/v1/tools/generate_mask", json={"image": picture(), "mask_model": "u2net"}).json()
api.save("mask-u2net", base64.b64decode(mask))
