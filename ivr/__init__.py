"""Numero Verde: a toll-free line a company can run itself."""

__version__ = "0.1.0"
