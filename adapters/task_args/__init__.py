"""Conversion of a request's fields into the positional arguments of the host's AsyncTask."""
