"""Benchmarks that compare the extension with the bare host in one run, and print their results.

Each module is one benchmark: `run(options)` returns its rows. Run by `python install.py --bench [NAME…]`.
"""
