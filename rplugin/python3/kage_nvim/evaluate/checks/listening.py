"""What is asked of a check beside its command: that the runner inside says what became of each test.

Runners take such wishes from the environment, through whatever starts them (make, tox, a script). What a run
before left where a report is awaited is removed.
"""

from __future__ import annotations

import re
import secrets
import shlex
from contextlib import suppress

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate.checks.kinds import kind_of
from kage_nvim.evaluate.outputs import reports
from kage_nvim.evaluate.results import shown
from kage_nvim.model import Profile

PREFIX = "kage-report-"
_OWN_REPORT = re.compile(r"--junit-?xml|no:junitxml")
_PYTEST = re.compile(
    r"(?:^|[;&|(]|\b(?:run|exec|-m|python[0-9.]*|env|time|xvfb-run|nice)\b[^;&|]*?)\s*(?:\w+=\S*\s+)*"
    r"(?:\S*/)?(?:pytest|py\.test)(?=\s|$|[;&|)])"
)
_NOT_RUN = re.compile(r"--(?:version|help|collect-only|co|fixtures|markers|setup-plan)\b|\s-h\b")


class Listening(msgspec.Struct, frozen=True):
    """``env`` is added to the command's; ``report`` is the file, below ``folder``, that pytest is to write,
    as XML of its tests or as JSON of its benchmarks (empty: it is not asked to). With ``certain`` the command
    is pytest itself: no report, no end."""

    env: dict[str, str] = {}
    folder: str = ""
    report: str = ""
    certain: bool = False


def with_env(profile: Profile, env: dict[str, str]) -> Profile:
    """The profile with more in its environment."""
    return msgspec.structs.replace(profile, env=profile.env | env)


def listen(name: str, check: Check, profile: Profile) -> Listening:
    """How to hear what the check of that name does in this profile's tree."""
    if check.report:
        reports.remove(profile.worktree, check.report)
    command = shown(check.command)
    tmp = profile.env.get("TMPDIR", "")
    kind = kind_of(name, check)
    if kind == "bench" and not check.report and tmp and "--benchmark-only" in command:
        report = f"{PREFIX}{secrets.token_hex(8)}.json"
        wish = _added(profile, "PYTEST_ADDOPTS", shlex.quote(f"--benchmark-json={tmp}/{report}"))
        return Listening({"PYTEST_ADDOPTS": wish}, tmp, report)
    if check.report or not tmp or kind not in ("test", "custom"):
        return Listening()
    env = {"GOFLAGS": _added(profile, "GOFLAGS", "-v")}
    said = command, profile.env.get("PYTEST_ADDOPTS", ""), *_settings(profile.worktree)
    if any(_OWN_REPORT.search(words) for words in said[:2]) or any("no:junitxml" in words for words in said):
        return Listening(env)
    report = f"{PREFIX}{secrets.token_hex(8)}.xml"
    # The older of its two families names the file of each test.
    wish = f"{shlex.quote(f'--junitxml={tmp}/{report}')} -o junit_family=xunit1"
    # One file that cannot be loaded would keep all others from saying anything.
    wish += " --continue-on-collection-errors"
    env["PYTEST_ADDOPTS"] = _added(profile, "PYTEST_ADDOPTS", wish)
    certain = _PYTEST.search(command) is not None and not _NOT_RUN.search(command)
    return Listening(env, tmp, report, certain)


def _settings(tree: str) -> list[str]:
    """Where pytest's options may stand in a tree, which may turn its reports off."""
    found = []
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini"):
        with suppress(OSError):
            found += [data.decode("utf-8", "replace") for data in reports.read(tree, name)]
    return found


def _added(profile: Profile, name: str, words: str) -> str:
    return f"{profile.env.get(name, '')} {words}".strip()
