"""Requests of every platform come in by this one door."""
