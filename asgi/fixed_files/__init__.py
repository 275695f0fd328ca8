"""Folders of files that are the same for everyone, and need no key: how they are read and served."""
