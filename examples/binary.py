"""Text to image, binary: the answer is the image itself, in the format that `Accept` names."""

from common import GENERATE, connect

api = connect(__doc__)

params = {"prompt": "a dog plays with a ball", "performance_selection": "Lightning"}
for media_type in ("image/png", "image/jpg", "image/jpeg", "image/webp"):
    response = api.post(GENERATE, json=params, headers={"Accept": media_type})
    print(media_type, "gives", response.headers["Content-Type"])
    api.save(f"binary-{media_type.removeprefix('image/')}", response.content)
