"""Verdicts: evidence gathered, a judge asked, the ranking kept."""
