"""Text to image, synchronous: the response is the task's record, once all images are done."""

from common import GENERATE, connect

api = connect(__doc__)

record = api.post(
    GENERATE,
    json={
        "prompt": "a dog plays with a ball",
        "negative_prompt": "",
        "performance_selection": "Lightning",
        "image_number": 2,
    },
).json()
print(record["task_id"], record["task_status"], f"{record['finish_mills'] - record['start_mills']} ms")
api.save("text-to-image", *record["result"])

record = api.post(GENERATE, json={}).json()  # every field is optional
api.save("text-to-image-nothing-said", *record["result"])
