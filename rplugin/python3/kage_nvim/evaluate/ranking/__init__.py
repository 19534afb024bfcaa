"""The order of candidates on evidence alone."""
