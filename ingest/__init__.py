"""Ingest: web feeds in, clean and deduplicated articles out. `docs/architecture.md` is the map of this package."""

__version__ = "0.1.0"
