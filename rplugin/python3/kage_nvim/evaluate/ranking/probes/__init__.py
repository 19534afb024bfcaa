"""Probes: what candidates' functions do with the same inputs, found without a test and without a model.

``subjects`` finds the functions that candidates changed, ``examples`` the calls that docstrings, tests and
docs show, ``inputs`` makes more of these, ``driver`` runs in the sandbox and calls, ``evidence`` compares.
"""
