"""Numbers, measured side by side with the bare host in one run, and printed.

One module is one benchmark: `run(options)` gives its rows. Run by `python install.py --bench [NAME…]`.
"""
