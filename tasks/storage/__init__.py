"""Tasks in the database, as their life cycle needs them."""
