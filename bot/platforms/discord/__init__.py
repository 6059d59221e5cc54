"""Discord, by its gateway: no address of ours has to be reachable."""
