"""Contents of image files: formats, headers, decoding, conversion and embedded parameters."""
