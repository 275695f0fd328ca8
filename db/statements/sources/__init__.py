"""Statements about sources: the images that they own and request, their clients' options, and their sessions."""
