"""Agents' panes: where they go, how they are found, hidden and ended."""
