"""Slack: over a socket of ours, so that no address has to be reachable, or by requests that it signs."""
