"""Implementation of install.py. Stdlib only, because it runs before anything is installed."""
