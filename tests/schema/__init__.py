"""schemathesis against a demo host: every operation of the schema, with data that fits it and data that does not."""
