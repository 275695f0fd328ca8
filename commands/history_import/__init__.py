"""`extension.py import`: imports the history of another API."""
