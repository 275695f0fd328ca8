"""Outpaint: extend an image on any of its sides, by 30 % or by a number of pixels [left, top, right, bottom]."""

from common import connect, picture

api = connect(__doc__)

record = api.generate(
    inpaint_input_image=picture(), outpaint_selections=["Left", "Bottom"], performance_selection="Lightning"
)
api.save("outpaint", *record["result"])

record = api.generate(
    inpaint_input_image=picture(),
    outpaint_selections=["Left", "Right"],
    outpaint_distance=[120, 0, 200, 0],
    performance_selection="Lightning",
)
api.save("outpaint-distance", *record["result"])
