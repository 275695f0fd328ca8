"""`txt2img` and `img2img`: translation of a request, and its answer."""
