"""Stress tests: crashes, an hour of everything at once, and thousands of generated requests. Run by `install.py --bench`."""
