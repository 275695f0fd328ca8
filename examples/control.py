"""Skip an image of the running task, then stop the task."""

import time

from common import GENERATE, connect

api = connect(__doc__)

params = {"prompt": "a field of flowers", "image_number": 32, "async_process": True}
task = f"/tasks/{api.post(GENERATE, json=params).json()['task_id']}"

while api.get(task).json()["progress"] < 1:
    time.sleep(0.2)
print(api.post("/v1/engine/control", params={"action": "skip"}).json()["message"])
time.sleep(1)
print(api.post("/v1/engine/control", params={"action": "stop"}).json()["message"])
while (record := api.get(task).json())["task_status"] == "running":
    time.sleep(0.2)
print(record["task_status"], "after", len(record["result"]), "of", params["image_number"], "images")
api.save("control", *record["result"][:1])
