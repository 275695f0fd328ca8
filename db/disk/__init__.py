"""The disk of the database: the kind of its drive, and the identity of its file."""
