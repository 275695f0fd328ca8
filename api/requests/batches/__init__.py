"""Reading of batches: JSON Lines, CSV, or one request with lists to combine; all within limits, with errors by row and column."""
