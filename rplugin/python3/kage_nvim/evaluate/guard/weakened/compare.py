"""All that weakens tests between two versions of the files that differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.testfiles import Kind, in_the_way, kind
from kage_nvim.evaluate.guard.weakened import python_tests, spoken
from kage_nvim.evaluate.guard.weakened.claims import claims_compared
from kage_nvim.evaluate.guard.weakened.commands import commands_compared, runners
from kage_nvim.evaluate.guard.weakened.data import data_compared
from kage_nvim.evaluate.guard.weakened.hooks import meddling
from kage_nvim.evaluate.guard.weakened.matching import compared
from kage_nvim.evaluate.guard.weakened.product import ending, playing_false, silenced
from kage_nvim.evaluate.guard.weakened.replaced import elsewhere, replaced, whole_compared
from kage_nvim.evaluate.guard.weakened.settings import settings_compared
from kage_nvim.evaluate.guard.weakened.shapes import Case, Files, weakening

SHARED = ("pyproject.toml", "setup.cfg", "tox.ini")
"""Files in which many tools have their settings."""
_HIDES = [
    (r"\.?pytest\.(ini|toml)", r"(?m)^\[(tool\.|tool:)?pytest"),
    (r"\.coveragerc", r"(?m)^\[(tool\.)?coverage"),
    (r"\.?mypy\.ini", r"(?m)^\[(tool\.)?mypy"),
    (r"\.?ruff\.toml", r"(?m)^\[tool\.ruff"),
    (r"\.flake8", r"(?m)^\[flake8"),
    (r"\.?pylintrc(\.toml)?", r"(?m)^\[(tool\.)?pylint"),
    (r"pyrightconfig\.json", r"(?m)^\[tool\.(based)?pyright"),
]
"""Files that are read in the place of sections of shared ones."""
_LIBRARY = re.compile(
    r"^(?P<owner>((src|lib)/)?(?P<name>math|json|asyncio|subprocess|pathlib|re|decimal|fractions|datetime|time|random|os|sys"
    r"|io|collections|itertools|functools|operator|copy|contextlib|warnings|importlib|inspect|typing|dataclasses|tempfile"
    r"|threading|pickle|csv|logging|ast|numpy|pandas|scipy|torch|requests|httpx|responses|freezegun|syrupy|attrs?|pydantic"
    r"|yaml|faker|factory|respx|time_machine|dirty_equals|sympy|django|flask))(\.py|/__init__\.py)$"
)
"""Modules that tests compare with, and stand on, and that nobody has by the same name."""
MOST = 200
"""Weakenings that are named of one candidate."""


def compare(
    base: Files,
    ours: Files,
    *,
    around: Files | None = None,
    paths: Collection[str] = (),
    more: Sequence[str] = (),
) -> list[Weakening]:
    """What a candidate did to tests, in the order of paths and lines.

    Args:
        base: the files that differ, as they were; those that are new are not in it.
        ours: the same files as they are now; those that were deleted are not in it.
        around: files of settings (``SHARED``) of the base that do not differ.
        paths: all files of the base.
        more: globs of files that are tests in this repository.
    """
    everything = set(paths) | set(base)
    around = around or {}
    found: dict[tuple[str, str, int, str], Weakening] = {}
    for one in _all(base, ours, around, everything, more):
        found.setdefault((one.kind, one.path, one.line, one.text if not one.line else ""), one)
    return sorted(found.values(), key=lambda one: (one.path, one.line, one.kind))[:MOST]


def _all(
    base: Files, ours: Files, around: Files, paths: set[str], more: Sequence[str]
) -> Iterator[Weakening]:
    before: list[Case] = []
    after: list[Case] = []
    tests = [path for path in paths if kind(path, more) == "test"]
    runs = runners(ours)
    texts = {
        path: source.decode("utf-8", "replace")
        for path, source in {**around, **base}.items()
        if path in SHARED
    }
    for path in sorted({*base, *ours}):
        old, new = base.get(path), ours.get(path)
        what = kind(path, more)
        if _is_test(path, what, old, new):
            was, now = _cases(path, old, new)
            before += was
            after += now
        if old is None and new is not None:
            yield from _in_the_way(path, what, paths, texts)
        yield from _file(path, what, old, new, tests, runs)
        if what == "test" and old is not None and new is not None:
            yield from elsewhere(path, old, new, (paths - set(base)) | set(ours), set(ours) - set(base))
    yield from silenced(base, ours)
    yield from compared(before, after)


def _is_test(path: str, what: Kind, old: bytes | None, new: bytes | None) -> bool:
    """Rust keeps tests within the program."""
    return what == "test" or (
        path.endswith(".rs")
        and any(b"#[" in (text or b"") and b"test" in (text or b"") for text in (old, new))
    )


def _cases(path: str, old: bytes | None, new: bytes | None) -> tuple[list[Case], list[Case]]:
    """The tests of both versions of a file, of Python's those that can have changed."""
    if path.endswith(".py") and old is not None and new is not None:
        return python_tests.changed_cases(path, old, new)
    read = python_tests.cases_of if path.endswith(".py") else spoken.cases_of
    return ([] if old is None else read(path, old)), ([] if new is None else read(path, new))


def _file(
    path: str, what: Kind, old: bytes | None, new: bytes | None, tests: list[str], runs: set[str]
) -> Iterator[Weakening]:
    if what == "data":
        yield from data_compared(path, old, new)
        return
    loaded = what in ("test", "support", "settings")
    if path.endswith(".py"):
        yield from meddling(path, old, new, tests=loaded)
        if what in ("support", "settings") and old is not None and new is not None:
            yield from _helpers(path, old, new)
    if what in ("settings", "mixed") and not path.endswith("conftest.py"):
        if new is None and what == "mixed":
            return  # another tool has taken its place, or none is wanted
        if old is None and (what == "mixed" or path.startswith(".github/")):
            return  # there was nothing yet that it could weaken
        if old is not None or tests:
            yield from settings_compared(path, old, new, tests)
            yield from commands_compared(path, old, new, runs)
    else:
        if what == "test" and old is not None and new is not None:
            yield from replaced(path, old, new)
            yield from whole_compared(path, old, new)
        elif path.endswith(".rs") and old is not None and new is not None:
            yield from whole_compared(path, old, new)
        yield from playing_false(path, old, new, tests=loaded)
        if not loaded:
            yield from ending(path, old, new)


def _helpers(path: str, old: bytes, new: bytes) -> Iterator[Weakening]:
    """Functions that tests are helped by, and that claim something."""
    there = {case.name: case for case in python_tests.helpers_of(path, new)}
    for case in python_tests.helpers_of(path, old):
        if case.claims and case.name in there:
            yield from claims_compared(case, there[case.name], f"{case.name} in {path}")


def _in_the_way(path: str, what: Kind, paths: set[str], around: Mapping[str, str]) -> Iterator[Weakening]:
    """A new file that is loaded in the place of another."""
    folder, _, name = path.rpartition("/")
    if in_the_way(path, paths):
        said = f"{path} is loaded before, or in the place of, what runs the tests"
        yield weakening("runner", path, 0, said)
    elif (module := _LIBRARY.match(path)) and not any(
        other.startswith((f"{module['owner']}/", f"{module['owner']}.")) for other in paths
    ):
        said = f"{path} is loaded in the place of the library {module['name']}"
        yield weakening("patched", path, 0, said)
    elif name in ("GNUmakefile", "makefile") and f"{path.removesuffix(name)}Makefile" in paths:
        yield weakening("runner", path, 0, f"{path} is read in the place of Makefile")
    elif (
        what in ("support", "test")
        and name.endswith(".py")
        and not re.match(r"(test_|__init__|conftest)", name)
    ):
        stem = name.removesuffix(".py")
        shadowed = [
            p for p in paths if re.fullmatch(rf"((src|lib)/)?{re.escape(stem)}(\.py|/__init__\.py)", p)
        ]
        if shadowed and folder:
            yield weakening("patched", path, 0, f"{path} can be loaded in the place of {shadowed[0]}")
    shape = next((said for names, said in _HIDES if re.fullmatch(names, name)), "")
    hidden = [
        p for p in ("pyproject.toml", "tox.ini", "setup.cfg") if shape and re.search(shape, around.get(p, ""))
    ]
    if hidden:
        yield weakening("settings", path, 0, f"{path} takes the place of the settings in {hidden[0]}")
