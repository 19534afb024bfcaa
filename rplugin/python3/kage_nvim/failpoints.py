"""Named points at which a test can kill the process, to prove that the next start mends what is left.

``KAGE_FAIL_AT=spawn.base.done`` ends the process there with SIGKILL, as a crash would: no handler runs.
"""

from __future__ import annotations

import os
import signal

_WANTED = os.environ.get("KAGE_FAIL_AT", "")


def fail_point(name: str) -> None:
    """Die here when the environment asks for it; otherwise cost nothing."""
    if name == _WANTED:
        os.kill(os.getpid(), signal.SIGKILL)
