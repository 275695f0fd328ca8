"""Views of generated images: an image at exactly the size that was asked for, with its metadata."""
