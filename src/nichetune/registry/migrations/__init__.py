"""Alembic's scripts: how the registry's tables came to be what they are, one step a file."""
