"""Thumbnails of generated images: sizes, rendering, and the cache on disk."""
