"""What is kept: peewee models, migrations and the repository the domain calls. Imports no other room."""
