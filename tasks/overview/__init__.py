"""The queue as a whole and the loaded model, as clients see them."""
