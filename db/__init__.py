"""Persistence: peewee models, migrations and the repository that the domain calls. Imports no other package but `files`."""
