"""Attacks on whole runs stand on the same stage as whole runs."""

from tests.e2e.conftest import stage

__all__ = ["stage"]
