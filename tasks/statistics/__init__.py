"""Statistics of the last day, minute by minute."""
