"""Texts in image files: chunks of PNG and WebP, segments of JPEG, EXIF tags."""
