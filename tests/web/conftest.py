"""Fixtures of the doors' tests: databases, SQLite and PostgreSQL."""

from tests.databases import empty_database, postgresql

__all__ = ["empty_database", "postgresql"]
