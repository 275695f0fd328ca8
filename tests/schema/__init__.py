"""schemathesis against a real host: every operation of the schema, with data that fits it and data that does not."""
