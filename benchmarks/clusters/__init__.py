"""The parts of the benchmark of clusters."""
