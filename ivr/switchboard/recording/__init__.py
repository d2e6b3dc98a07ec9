"""Talks on tape: begun, ended, fetched, and kept."""
