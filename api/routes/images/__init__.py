"""The routes of image files: uploaded and generated ones."""
