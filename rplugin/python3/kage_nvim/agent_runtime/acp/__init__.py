"""CLIs that speak the Agent Client Protocol: a prompt for each turn, in one session (``player``)."""
