"""The catalogue of a node: what its Fooocus offers to requests, as JSON in its row of the database."""
