"""Turns parameters that were found in a file into a request that this host accepts."""
