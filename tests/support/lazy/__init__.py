"""A `sitecustomize` for the hosts of the tests, which shortens their starts."""
