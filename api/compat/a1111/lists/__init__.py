"""Lists of what this host has, in the shapes that AUTOMATIC1111's clients read."""
