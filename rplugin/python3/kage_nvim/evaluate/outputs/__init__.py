"""What checks said, read from their output, their reports and their numbers."""
