"""Where yours differs from the base, followed through edits and picks."""

from __future__ import annotations

import subprocess

import pytest

from demo.driver import find_neovim
from tests.nvim.diff.conftest import STUB
from tests.nvim.editor import CHECKOUT

PROPERTY = STUB.with_name("track_property.lua")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_taken_is_not_offered_again(seed: int) -> None:
    """Texts of few different lines: a comparison alone would find some of the picked lines somewhere else."""
    argv = [find_neovim(), "-u", "NONE", "-i", "NONE", "--cmd", f"set rtp^={CHECKOUT}"]
    argv += ["-l", str(PROPERTY), str(seed), "3000"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    word, examples, equal = (done.stdout + done.stderr).split(maxsplit=2)
    assert (word, examples) == ("ok", "3000"), done.stderr
    # In the rest two agents' changes overlap, since such texts can be compared in more than one way.
    assert int(equal) > 2900
