"""Describe a picture in words: sent as JSON, and as a file in a form."""

import base64

from common import connect, picture

api = connect(__doc__)

for image_type in ("Photo", "Anime"):
    answer = api.post("/v1/tools/describe-image", json={"image": picture(), "image_type": image_type}).json()
    print(f"{image_type}: {answer['describe']}")

form = {"image": ("ball.png", base64.b64decode(picture()), "image/png")}
answer = api.post("/v1/tools/describe-image", params={"image_type": "Photo"}, files=form).json()
print(f"From a file: {answer['describe']}")
