"""Routes of model files: their list, downloads and deletion."""
