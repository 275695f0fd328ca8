"""Statements about sources: the images that they own and request, and the options that their clients set."""
