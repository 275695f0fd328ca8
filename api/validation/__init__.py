"""Validation of a request beyond its types: names of the host, sizes, models and LoRAs."""
