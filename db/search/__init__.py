"""Index of the words of prompts: the sets of rows that contain them, by chunks of row ids."""
