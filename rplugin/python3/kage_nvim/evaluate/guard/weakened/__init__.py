"""Weakened tests: what a candidate did to tests, or to what runs them, that lets worse code pass.

Everything here compares two versions of the files that differ, without running anything. Only what the
candidate has and the base had not is named, so that a project's own habits are no offence.
"""
