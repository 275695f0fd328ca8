"""Text to image, asynchronous: get the task at once, then poll its record until the task has ended."""

import base64
import time

from common import GENERATE, connect

api = connect(__doc__)

params = {"prompt": "a lighthouse in the mist", "performance_selection": "Lightning", "async_process": "true"}
record = api.post(GENERATE, json=params).json()
print(record["task_id"], record["task_status"])

preview = ""
while record["task_status"] in ("pending", "running"):
    preview = record["preview"] or preview
    time.sleep(0.5)
    record = api.get(f"/tasks/{record['task_id']}").json()
    print(record["task_status"], f"{record['progress']} %")

if preview:
    api.save("async-preview", base64.b64decode(preview))
api.save("async", *record["result"])
