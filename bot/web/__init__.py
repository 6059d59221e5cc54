"""The bot's own web page and HTTP API."""
