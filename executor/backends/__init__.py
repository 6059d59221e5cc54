"""One adapter per AI coding CLI."""
