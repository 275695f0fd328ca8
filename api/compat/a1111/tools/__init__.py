"""Other uses of images: upscaling, parameters in files, descriptions; and the memory of the models."""
