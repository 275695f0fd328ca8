"""Renditions, images made of generated ones: how they are made once and kept in a cache on disk."""
