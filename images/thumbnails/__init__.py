"""Thumbnails of generated images: their sizes and how they are rendered."""
