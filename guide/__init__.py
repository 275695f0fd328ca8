"""The documentation as a static site, and its serving at `/guide`."""
