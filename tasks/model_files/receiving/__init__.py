"""A download's values, its files on the disk, and the attempts to receive it."""
