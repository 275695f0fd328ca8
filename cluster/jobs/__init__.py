"""The queue of jobs in PostgreSQL, Procrastinate's, whose jobs and the tasks' rows change together."""
