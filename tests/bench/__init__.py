"""Measures what the design promises; `make bench` runs it."""
