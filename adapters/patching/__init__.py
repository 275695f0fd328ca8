"""Reversible patches of the host's modules, applied once a module is fully imported."""
