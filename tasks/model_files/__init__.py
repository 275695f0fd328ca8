"""Downloads of model files into the host's folders, and the files there."""
