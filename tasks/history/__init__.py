"""Lists, deletion and retention of tasks, and the ownership of images."""
