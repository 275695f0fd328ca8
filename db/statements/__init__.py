"""SQL statements of the repository, by subject."""
