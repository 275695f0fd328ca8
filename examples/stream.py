"""Text to image as a stream: one event per step, with a preview; the last one has the URLs."""

import base64
import json

from common import GENERATE, connect

api = connect(__doc__)

params = {"prompt": "a lighthouse in the mist", "performance_selection": "Lightning", "stream_output": "true"}
response = api.post(GENERATE, json=params, stream=True)

preview = None
event = {}
for line in response.iter_lines():
    try:
        event = json.loads(line[6:])  # after `data: `
    except json.JSONDecodeError:
        continue  # an empty line or a comment
    preview = event["preview"] or preview
    print(f"{event['progress']} %", event["message"])

if preview:
    api.save("stream-preview", base64.b64decode(preview.removeprefix("data:image/png;base64,")))
api.save("stream", *event["images"])
