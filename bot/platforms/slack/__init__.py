"""Slack, by Socket Mode: no address of ours has to be reachable."""
