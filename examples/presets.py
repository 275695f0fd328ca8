"""Presets: a name stands for a model, styles and settings. If the model is missing, it is downloaded first, which takes time."""

from common import connect

api = connect(__doc__, preset="default")

print("presets:", ", ".join(api.get("/v1/engines/presets").json()))
record = api.generate(preset=api.options.preset, prompt="a dog plays with a ball")
print(api.options.preset, "generates with", record["req_params"]["base_model_name"])
api.save("preset", *record["result"])
