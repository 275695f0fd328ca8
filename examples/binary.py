"""Text to image, binary: the response is the image itself, in the format of the `Accept` header."""

from common import GENERATE, connect

api = connect(__doc__)

params = {"prompt": "a dog plays with a ball", "performance_selection": "Lightning"}
for media_type in ("image/png", "image/jpg", "image/jpeg", "image/webp"):
    response = api.post(GENERATE, json=params, headers={"Accept": media_type})
    print(media_type, "gives", response.headers["Content-Type"])
    api.save(f"binary-{media_type.removeprefix('image/')}", response.content)
