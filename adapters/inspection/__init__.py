"""Inspection of a checkout's source: patch points and AsyncTask's argument order. Stdlib only: the installer uses it as well."""
