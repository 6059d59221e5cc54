"""The store on SQLite: one file, no service."""
