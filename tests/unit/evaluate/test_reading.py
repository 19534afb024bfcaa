"""A check in a real tree, with real programs: an exit code of 0 alone is no proof that tests passed."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from kage_nvim import sandbox
from kage_nvim.config import Check
from kage_nvim.evaluate.checks.listening import listen, with_env
from kage_nvim.evaluate.compared import with_base
from kage_nvim.evaluate.outputs import reports
from kage_nvim.evaluate.outputs.endings import lasts
from kage_nvim.evaluate.outputs.reading import read
from kage_nvim.evaluate.results import Result, begun
from kage_nvim.model import Profile

BIN = Path(sys.executable).parent
PYTEST = "pytest -q -p no:cacheprovider"
QUICK = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
CALC = "def add(a, b):\n    return a + b\n"
NOT_THERE = sandbox.Completed(1, b"bwrap: execvp no-such-program: No such file or directory\n", False, 0.0)
TESTS = """\
from calc import add

def test_add():
    assert add(1, 2) == 3

def test_more():
    assert add(2, 2) == 4
"""


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    for name in ("tree", "its tmp"):
        (tmp_path / name).mkdir()
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / "its tmp"), "HOME": str(tmp_path)}
    return Profile(mode="off", worktree=str(tmp_path / "tree"), env=env | QUICK)


def run(profile: Profile, command: str, name: str = "t", **said: object) -> Result:
    check = Check(command=command, **said)  # type: ignore[arg-type]
    heard = listen(name, check, profile)
    done = asyncio.run(sandbox.run(with_env(profile, heard.env), ["sh", "-c", command], timeout=60))
    return read(begun(name, check), check, done, profile, heard)


def write(profile: Profile, **files: str) -> None:
    for name, text in files.items():
        (Path(profile.worktree) / name.replace("__", ".")).write_text(text)


def states(result: Result) -> dict[str, str]:
    return {test.name: test.state for test in result.tests}


def test_pytest_is_heard_through_whatever_starts_it(profile: Profile) -> None:
    write(profile, calc__py=CALC, test_calc__py=TESTS, run__sh=f"exec {PYTEST}\n")
    for command in (f"A=1 python -m {PYTEST}", "sh run.sh"):
        result = run(profile, command)
        assert (result.state, result.passed, result.total) == ("pass", 2, 2), command
        assert states(result) == {"test_calc.py::test_add": "pass", "test_calc.py::test_more": "pass"}
        assert "kage-report" not in result.tail and result.summary.startswith("2 passed")
    write(profile, calc__py=CALC.replace("+", "*"))
    result = run(profile, PYTEST)
    assert states(result) == {"test_calc.py::test_add": "fail", "test_calc.py::test_more": "pass"}
    assert (result.state, result.failures[0].path, result.failures[0].line) == ("fail", "test_calc.py", 4)
    assert run(profile, f"{PYTEST} || true").state == "fail", "its report says that tests failed"
    assert run(profile, "sh run.sh; true").summary == "it ended with code 0, but 1 failed"
    assert run(profile, f"{PYTEST} -k more && exit 7").state == "fail"


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_itself_has_not_passed(profile: Profile, how: str) -> None:
    ending = f"import os\nprint('2 passed in 0.01s', flush=True)\n{how}\n"
    write(profile, calc__py=ending + CALC, test_calc__py=TESTS)
    result = run(profile, f"{PYTEST} -s || true" if "kill" in how else f"{PYTEST} -s")
    assert result.state == "fail" and result.tests == [] and "did not come to their end" in result.summary
    cases = "import unittest, calc\n\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
    write(profile, test_calc__py=cases)
    result = run(profile, "python -m unittest -v" + (" || true" if "kill" in how else ""))
    assert result.state == "fail" and "did not come to their end" in result.summary
    write(profile, calc__py=CALC)
    assert states(run(profile, "python -m unittest -v")) == {"test_calc.T.test_a": "pass"}


def test_nothing_that_was_run_is_no_pass(profile: Profile) -> None:
    write(profile, calc__py=CALC)
    assert run(profile, PYTEST).state == "fail"
    assert run(profile, f"{PYTEST} || true").summary == "no test was run"
    assert run(profile, "python -m unittest || true").summary == "no test was run"
    assert run(profile, "true").state == "pass", "another command's exit code is all that it says"


def test_a_pytest_without_that_plugin_is_run_as_it_is(profile: Profile) -> None:
    write(profile, calc__py=CALC, test_calc__py=TESTS, pytest__ini="[pytest]\naddopts = -p no:junitxml\n")
    result = run(profile, PYTEST)
    assert (result.state, result.passed, result.total, result.tests) == ("pass", 2, 2, [])


def test_a_report_of_its_own_is_read_and_an_older_one_is_not(profile: Profile) -> None:
    write(profile, calc__py=CALC, test_calc__py=TESTS)
    written = run(profile, f"{PYTEST} --junitxml=out/r.xml", report="out/r.xml")
    assert len(written.tests) == 2 and written.state == "pass"
    left = run(profile, "true", report="out/r.xml")
    assert (left.state, left.summary) == ("fail", "it did not write out/r.xml")
    several = f"{PYTEST} -k add --junitxml=out/a.xml; {PYTEST} -k more --junitxml=out/deep/b.xml"
    assert run(profile, several, report="out/**/*.xml").total == 2
    assert run(profile, "true", report="out/**/*.xml").state == "pass"
    assert not list(Path(profile.worktree).rglob("*.xml"))


@pytest.mark.parametrize(
    "command",
    [
        "ln -s {secret} r.xml",
        "ln -s {folder} out",
        "mkfifo r.xml",
        "mkdir r.xml",
        "truncate -s 99999999999 r.xml",
        "echo not a report > r.xml",
    ],
)
def test_a_report_that_leads_elsewhere_is_not_read(profile: Profile, tmp_path: Path, command: str) -> None:
    secret = tmp_path / "secret" / "r.xml"
    secret.parent.mkdir()
    secret.write_text("<testsuites><testsuite><testcase name='secret'/></testsuite></testsuites>")
    made = command.format(secret=shlex.quote(str(secret)), folder=shlex.quote(str(secret.parent)))
    where = "out/r.xml" if "out" in command else "r.xml"
    result = run(profile, made, report=where)
    assert result.state == "fail" and not result.tests and "cannot be read" in result.summary
    reports.remove(profile.worktree, where)
    reports.remove(profile.worktree, "**/*.xml")
    assert secret.exists()


def test_a_linter_is_read_place_by_place(profile: Profile) -> None:
    write(profile, calc__py="import os\n" + CALC)
    for command, more in (
        ("ruff check --isolated --no-cache --select F401 .", {}),
        ("ruff check --isolated --no-cache --select F401 --output-format concise .", {}),
        (
            "ruff check --isolated --no-cache --select F401 --output-format sarif -o r.sarif .",
            {"report": "r.sarif"},
        ),
        (
            "echo 'calc.py line 1 says F401'; exit 1",
            {"pattern": r"(?P<path>\S+) line (?P<line>\d+) says (?P<text>.*)"},
        ),
    ):
        result = run(profile, command, name="lint", **more)
        assert (result.kind, result.state, len(result.failures)) == ("lint", "fail", 1), command
        assert (result.failures[0].path, result.failures[0].line) == ("calc.py", 1)
        assert "F401" in result.failures[0].text


def test_findings_are_no_tests(profile: Profile) -> None:
    """Else a tree with fewer of them would have run fewer tests than another."""
    write(profile, calc__py="import os\n" + CALC)
    command = "ruff check --isolated --no-cache --select F401 ."
    for name in ("lint", "style of mine"):
        before = run(profile, command, name=name)
        assert (before.state, before.passed, before.total) == ("fail", None, None)
    write(profile, calc__py=CALC)
    after = with_base(run(profile, command, name="style of mine"), before)
    assert (after.state, after.regressed, after.fixed) == ("pass", [], ["style of mine"])


def test_failures_that_are_only_counted_fail_tests(profile: Profile) -> None:
    said = "echo 1 passed, 3 failed"
    tests = run(profile, said, name="test")
    assert (tests.state, tests.summary) == ("fail", "it ended with code 0, but 3 failed")
    other = run(profile, said, name="uploads")
    assert (other.state, other.passed, other.total) == ("pass", None, None)


def test_an_error_that_is_found_fails_whatever_the_code(profile: Profile) -> None:
    write(profile, calc__py="import os\n" + CALC)
    command = "ruff check --isolated --no-cache --select F401 --exit-zero --output-format sarif -o r.sarif ."
    result = run(profile, command, name="lint", report="r.sarif")
    assert (result.state, result.code, len(result.failures)) == ("fail", 0, 1)
    assert result.summary == "1 error in its report: F401: `os` imported but unused"


def test_how_a_command_ended_is_said(profile: Profile) -> None:
    for command, state, said, kept in (
        (["no-such-program"], "error", "", False),
        ("no-such-program --all", "error", "no-such-program", False),
        ("./calc.py", "error", "denied", False),
        ("kill -9 $$", "fail", "ended by SIGKILL (out of memory?)", False),
        ("echo half way; kill -SEGV $$", "fail", "ended by SIGSEGV: half way", True),
        ("exit 200", "fail", "", True),
        ("exit 1", "fail", "", True),
    ):
        write(profile, calc__py=CALC)
        check = Check(command=command)
        argv = ["sh", "-c", command] if isinstance(command, str) else command
        done = asyncio.run(sandbox.run(profile, argv, timeout=60)) if argv[0] == "sh" else NOT_THERE
        result = read(begun("t", check), check, done, profile)
        assert (result.state, lasts(result.state, result.code)) == (state, kept), command
        assert said in result.summary, command


def test_places_are_named_from_where_a_command_goes(profile: Profile) -> None:
    (Path(profile.worktree) / "web" / "src").mkdir(parents=True)
    (Path(profile.worktree) / "web" / "src" / "a.js").touch()
    write(profile, b__js="")
    for command in ("cd web && {}", "cd 'web'; {}", "make -C web || {}", "npm --prefix web test || {}"):
        said = "echo 'src/a.js:3: bad'; echo 'b.js:4: bad'; exit 1"
        result = run(profile, command.format(said if "cd" not in command else f"({said})"))
        found = [(failure.path, failure.line) for failure in result.failures if failure.text == "bad"]
        assert found == [("web/src/a.js", 3), ("b.js", 4)], command


def test_a_file_that_cannot_be_loaded_leaves_the_others(profile: Profile) -> None:
    write(profile, calc__py=CALC, test_calc__py=TESTS, test_gone__py="import gone\ndef test_x(): pass\n")
    result = run(profile, PYTEST)
    assert result.state == "fail"
    assert states(result) == {
        "test_calc.py::test_add": "pass",
        "test_calc.py::test_more": "pass",
        "test_gone.py": "fail",
    }


def test_a_benchmark_has_a_number_or_is_none(profile: Profile) -> None:
    result = run(profile, "echo 12.5 ms", name="bench")
    assert (result.state, result.metrics[0].value, result.metrics[0].unit) == ("pass", 12.5, "ms")
    assert run(profile, "echo 12.5 ms; exit 1", name="bench").metrics == []
    assert run(profile, "echo x", name="bench").metrics[0].name == "time"
    assert run(profile, "echo x", name="bench", pattern=r"(?P<value>\d+)").state == "fail"
    assert run(profile, "echo x", name="bench", report="b.json").summary.endswith("it did not write b.json")


def test_examples_in_comments_are_tests(profile: Profile) -> None:
    example = 'def f(n):\n    """\n    >>> f(1)\n    2\n    """\n    return n + {}\n'
    write(profile, a__py=example.format(1), b__py=example.format(2))
    each = 's=0; for f in a.py b.py; do python -m doctest -v "$f" || s=1; done; exit $s'
    result = run(profile, each, name="doctest")
    assert states(result) == {"a.f": "pass", "b.f": "fail"}
    assert [(failure.path, failure.line) for failure in result.failures] == [("b.py", 3)]
    write(profile, b__py="import os\nos._exit(0)\n", a__py="import os\nos._exit(0)\n")
    assert run(profile, each, name="doctest").state == "fail"
