"""One queue for many machines: several processes on one PostgreSQL. Imported with `--cluster` only."""
