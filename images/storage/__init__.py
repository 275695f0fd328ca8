"""Image files on the disk: the input store, lookup by name or reference, and the journal of files."""
