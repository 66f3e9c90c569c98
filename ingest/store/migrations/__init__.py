"""The history of the schema, one file a change. Written out in full: a migration never follows what `schema.py` says today."""
