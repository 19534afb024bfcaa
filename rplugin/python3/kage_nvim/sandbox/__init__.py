"""The one seam between an agent's commands and the machine: what they see, and how they are run and ended.

``profile`` decides what a slot may see, ``argv`` turns that into a command line of bubblewrap, ``run`` runs
it, and ``check`` refuses with the fix when the machine offers no working sandbox.
"""

from __future__ import annotations

from kage_nvim.sandbox.bwrap import argv, check, find_bwrap
from kage_nvim.sandbox.expose import expose
from kage_nvim.sandbox.process import Completed, run
from kage_nvim.sandbox.slot import profile

__all__ = ["Completed", "argv", "check", "expose", "find_bwrap", "profile", "run"]
