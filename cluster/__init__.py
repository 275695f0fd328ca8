"""One queue for many machines: the processes of a cluster share a PostgreSQL database, and each generates what it claims."""
