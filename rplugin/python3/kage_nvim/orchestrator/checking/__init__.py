"""Checks at work: on benches, against the base, with repair turns."""
