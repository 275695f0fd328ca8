"""The requests of each subject of the API, and the readers of their answers."""
