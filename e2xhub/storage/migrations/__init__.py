"""The history of the tables, run by alembic from the installed package."""
