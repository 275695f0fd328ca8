"""Upscale and vary: enlarge an image by any factor up to 5, or generate a subtle or strong variation of it."""

from common import connect, picture

api = connect(__doc__)

for method in ("Upscale (Fast 2x)", "Upscale (1.5x)", "Vary (Subtle)", "Vary (Strong)"):
    record = api.generate(uov_input_image=picture(), uov_method=method, performance_selection="Lightning")
    name = "".join(letter for letter in method.lower().replace(" ", "-") if letter not in "()")
    api.save(name, *record["result"])

record = api.generate(uov_input_image=picture(), uov_method="Upscale (Custom)", upscale_multiple=2.5)
api.save("upscale-custom", *record["result"])
