"""Candidates into the user's files, as commits too, and out again."""
