"""What runs the tests, line by line: a Makefile, scripts of package.json, tox, CI, a shell script. Pure.

Lines are compared as they stand, so that any file that holds commands can be looked at alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.testfiles import kind
from kage_nvim.evaluate.guard.weakened.shapes import Files, short, weakening

_RUNNER = re.compile(
    r"\b(py\.?test|unittest|nosetests|trial|jest|vitest|mocha|ava|tape?|jasmine|karma|playwright|cypress|go test|gotestsum"
    r"|cargo (?:nextest|test|t)|ctest|mvnw? \S*(?:test|verify)|gradlew? \S*(?:test|check)|rspec|rake|minitest|phpunit|pest"
    r"|bats|busted|node --test|deno test|bun test|dotnet test|swift test|mix test|dart test|prove|tox|nox|npm (?:run )?test"
    r"|yarn (?:run )?test|pnpm (?:run )?test|make (?:test|check)|coverage run|hatch test)\b"
)
_LINTER = re.compile(
    r"\b(eslint|tsc|biome|stylelint|prettier|ruff|flake8|pylint|mypy|pyright|black --check|cargo clippy|go vet|golangci-lint"
    r"|rubocop|shellcheck|luacheck|standard|xo|oxlint|vue-tsc)\b"
)
_NO_TEST = r"(?:\|\||;)\s*(?:true|:|exit 0|/bin/true|echo\b[^&|;]*)\s*(?:[\"'#\\,].*)?$"
_PASSED = "a failure is passed over"
_ELSE = "something else runs the tests"
_ABOUT = re.compile(r"test|check|lint|spec\b|coverage|verify", re.I)
_ADDED: list[tuple[str, re.Pattern[str], str]] = [
    ("runner", re.compile(_NO_TEST), _PASSED),
    ("runner", re.compile(r"\b(py\.?test|unittest|jest|mocha|vitest|cargo test|go test|ctest|rspec|node --test|npm test|make test|tox)\b[^|]*(?<!\|)\|\s*(cat|tee|tail|head|grep|sed|true)\b"), "its exit code is lost in a pipe"),
    ("runner", re.compile(r"^\.?(SHELL|SHELLFLAGS)\s*[:?]?="), "make runs its lines otherwise"),
    ("runner", re.compile(r"^\t-\s*\S|^\t@-"), "make goes on when it fails"),
    ("runner", re.compile(r"\bset \+e\b|continue-on-error:\s*true|allow_failure:\s*true|ignore_outcome\s*=\s*true|ignore_errors\s*=\s*true|success_codes|^\.IGNORE|commands\w*\s*=\s*-\s"), "failures do not count"),
    ("runner", re.compile(r"--passWithNoTests|passWithNoTests['\"]?\s*[:=]\s*true|--allow-no-tests|--no-tests[= ](pass|warn)"), "no test at all is as good as passing"),
    ("runner", re.compile(r"\bmake\b.* -[a-z]*[ik]\b|--keep-going|--exit-zero|--no-exit|--force-exit|forceExit['\"]?\s*:\s*true"), "failures do not count"),
    ("runner", re.compile(r"skip[._-]?[tT]ests?\b|maven\.test\.skip|testFailureIgnore>?\s*[=>]?\s*true|ignoreFailures\s*[= ]\s*true|^\s*enabled\s*=\s*false|gradle\w*\b.* -x \w*[tT]est"), "tests are left out"),
    ("runner", re.compile(r"^\s*if:\s*(\$\{\{\s*)?false"), "it is never run"),
    ("runner", re.compile(r"PYTHONOPTIMIZE|python[\d.]* -OO?\b|-DNDEBUG|-Dsanity=off"), "assertions are turned off"),
    ("runner", re.compile(r"PYTEST_ADDOPTS|PYTEST_PLUGINS|PYTHONPATH=.*(stub|fake|mock|shim)|NODE_OPTIONS=.*--require|LD_PRELOAD"), "something is put before the tests"),
    ("runner", re.compile(r"[\"']?pretests?[\"']?\s*:.*\b(rm|mv|sed|rimraf|unlink|git)\b"), "tests are changed before they run"),
    ("skipped", re.compile(r"--test-(name-pattern|skip-pattern|only)|testPathIgnorePatterns|--testPathIgnore|testNamePattern|(?:jest|vitest)\b.* -t\b|--grep|--invert|[\"' ]-run[ =]|[\"' ]-skip[ =]|go test.*-short|cargo test.*--(lib|bins|skip|exclude)|--exclude-task|ctest.* -(E|LE|R)|rspec.*--(tag|exclude)|--tag ~|excludeTestsMatching|<excludes?>|exclude\(|DISABLED\s+TRUE|WILL_FAIL|--spec "), "tests are left out"),
    ("golden", re.compile(r"--updateSnapshot|jest.* -u\b|vitest.* -u\b|--snapshot-update|--force-regen|UPDATE_(GOLDEN|SNAPSHOTS?)|INSTA_(UPDATE|FORCE)|--gold|go test.* -update"), "what is expected is written anew"),
    ("retries", re.compile(r"retryTimes\(|--retries|--reruns|--retry\b|[\"']?retr(y|ies)[\"']?\s*[:=]\s*[1-9{]|--rerun-fails|rerunFailingTests|maxRetries"), "what fails is tried again"),
    ("timeout", re.compile(r"--timeout|testTimeout|--test-timeout|setTimeout\(\s*\d+\s*\)|timeout-minutes|go test.* -timeout|^\s*timeout \d|[\"']?timeout[\"']?\s*[:=]\s*[\"']?\d"), "tests have another timeout"),
    ("settings", re.compile(r"(-k ['\"]?not |-m ['\"]?not |--ignore[= ]|--deselect|--collect-only|-p no:(?!cacheprovider|faulthandler))"), "tests are left out"),
    ("settings", re.compile(r"^\s*(test|harness|autotests|doctest)\s*=\s*false|required-features"), "a test target is left out"),
    ("runner", re.compile(r"^\s*\[?(runner|rustc-wrapper|script-shell|alias|shell)\b\]?\s*=?"), _ELSE),
    ("runner", re.compile(r"\b(jest|vitest|mocha|chai|pytest|testify|rspec|junit|minitest|proptest|insta|rstest|mockall|quickcheck|pretty_assertions)\b.*(file:|link:|=> *\.|@ *file|path *(=|:)|\s-e\s)"), "another thing has the name of what runs the tests"),
    ("runner", re.compile(r"^-?s?include\s+[\w./]"), "make reads more rules from another file"),
    ("runner", re.compile(r"add_test\(.*COMMAND\s+(true|echo|:|\$\{CMAKE_COMMAND\} -E (true|echo))"), "a test that does nothing"),
    ("runner", re.compile(r"onlyIf\s*\{\s*false|excludeTags|^\s*-da\b|-disableassertions"), "tests are left out"),
    ("settings", re.compile(r"\btestMatch|testRegex|moduleNameMapper|setupFiles"), "what is loaded for tests changed"),
]  # fmt: skip
_QUIET = ("timeout-minutes",)
_REMOVED: list[tuple[str, re.Pattern[str], str]] = [
    ("deleted", re.compile(r"add_test\(|gtest_discover_tests|catch_discover_tests|\[\[test\]\]"), "a test target is gone"),
    ("coverage", re.compile(r"--cov-fail-under|check-coverage|--fail-under|coverageThreshold|minimum_coverage"), "a coverage threshold is gone"),
    ("settings", re.compile(r"-D warnings|-Werror|--max-warnings|--strict\b|-race\b|-fsanitize|set -e"), "it asks for less"),
]  # fmt: skip
_THRESHOLD = re.compile(
    r"[\"']?\b(fail_under|cov-fail-under|fail-under|branches|functions|lines|statements|minimum_coverage|minimum|target"
    r"|threshold)\b[\"']?[\s:=(]+[\"']?(\d+(?:\.\d+)?)"
)


def runners(files: Files) -> set[str]:
    """What runs tests in files of commands, by its name."""
    lines = [
        (path, line)
        for path, source in files.items()
        if kind(path) in ("settings", "mixed")
        for line in _lines(source)
    ]
    return {
        found[0]
        for path, line in lines
        if _said(path, line) and _runs(path, line) and (found := _RUNNER.search(line))
    }


def commands_compared(
    path: str, base: bytes | None, ours: bytes | None, others: Collection[str] = ()
) -> Iterator[Weakening]:
    """What became of the commands in a file. A file that is new adds to what was there, and replaces nothing;
    ``others`` are what runs tests in all files that differ."""
    before, after = _lines(base), _lines(ours)
    old, new = Counter(_bare(line) for line in before), Counter(_bare(line) for line in after)
    added = [(at, line) for at, line in enumerate(after, 1) if _bare(line) not in old and _said(path, line)]
    removed = [line for line in before if _bare(line) not in new and _said(path, line)]
    for at, line in added:
        for what, shape, said in _ADDED:
            if said == _ELSE and not re.search(r"^\.cargo/|rc$", path):
                continue
            if said == _PASSED and not (_RUNNER.search(line) or _ABOUT.search(line)):
                continue
            if shape.search(line) and not any(shape.search(other) for other in removed if what != "timeout"):
                yield weakening(what, path, at, f"{path}: `{short(line)}`: {said}")
                break
    for line in removed:
        for what, shape, said in _REMOVED:
            if (found := shape.search(line)) and not any(found[0] in other for other in after):
                yield weakening(what, path, 0, f"{path} lost `{short(line)}`: {said}")
                break
    yield from _thresholds(path, before, after)
    yield from _twice(path, before, after)
    yield from _replaced(path, removed, added, after, others)


def _lines(source: bytes | None) -> list[str]:
    return (source or b"").decode("utf-8", "replace").split("\n")


def _bare(line: str) -> str:
    return line.strip().rstrip(",\\ ")


def _said(path: str, line: str) -> bool:
    """Whether a line says something: it is no comment."""
    bare = line.strip()
    return (
        bool(bare)
        and not bare.startswith(("#", "//"))
        and not (path.endswith(".js") and bare.startswith("*"))
    )


def _replaced(
    path: str, removed: list[str], added: list[tuple[int, str]], after: list[str], others: Collection[str]
) -> Iterator[Weakening]:
    """A line that ran the tests is gone, and no other runs them."""
    for line in removed:
        found = _RUNNER.search(line) or _LINTER.search(line)
        others_lint = any(_LINTER.search(other) for _, other in added)
        if found and found.re is _LINTER and (others_lint or any(found[0] in other for other in after)):
            continue  # another one, or elsewhere
        if not found or not _runs(path, line):
            continue
        for at, other in added:
            if found[0] in other and (folder := _narrowed(line, other)):
                yield weakening("skipped", path, at, f"{path}: `{short(other)}`: only {folder} is tested")
                return
        if found[0] in others or any(_RUNNER.search(other) and _runs(path, other) for _, other in added):
            continue
        if any(found[0] in other for other in after if _said(path, other) and _runs(path, other)):
            continue
        at = next((at for at, other in added if _near(line, other)), 0)
        if found.re is _LINTER and not at:
            continue  # it went with its step: a choice of tools
        now = f", now `{short(_lines_at(after, at))}`" if at else ""
        yield weakening("runner", path, at, f"{path} does not run `{short(line)}` any more{now}")
        return


def _narrowed(line: str, other: str) -> str:
    """The part of a folder that is tested in its place; empty when it is not narrowed so."""
    before, after = (set(re.findall(r"[\w./-]+", text)) for text in (line, other))
    for word in before - after:
        within = [
            part for part in after - before if part.startswith(f"{word.removesuffix('...').rstrip('/')}/")
        ]
        if within and not word.startswith("-"):
            return str(within[0])
        if kind(word) == "test" and not after - before and not word.startswith("-"):
            return "less"
    return ""


def _twice(path: str, before: list[str], after: list[str]) -> Iterator[Weakening]:
    """A target of make that is made anew further down: the later one counts."""
    if not re.search(r"[mM]akefile$|\.mk$", path):
        return
    was, now = (
        Counter(re.findall(r"(?m)^([\w.-]+)\s*:(?!=)", "\n".join(lines))) for lines in (before, after)
    )
    for target in now:
        if now[target] > was[target] > 0 and re.search("test|check|ci", target):
            yield weakening("runner", path, 0, f"{path} has the target {target} once more")


def _runs(path: str, line: str) -> bool:
    """Whether a line is a command, not a dependency or a setting."""
    name = path.rpartition("/")[2]
    if re.search(r"\w@\d", line):
        return False
    if name == "package.json":
        return bool(re.match(r'\s*"[\w:.-]+"\s*:\s*"[^"]*"', line)) and not re.search(
            r':\s*"[\^~>=<]?\d', line
        )
    if name == "Cargo.toml" or (name == "pyproject.toml" and re.search(r"[><=~]=?\s*\d|^\s*\[", line)):
        return False
    if name.endswith((".cfg", ".ini", ".toml")):
        return not re.match(r"\s*(\[|[\w.-]+([><=~!]=|\[|$))", line) and "deps" not in line
    return not re.search(r"\b(pip|npm|yarn|pnpm|apt(-get)?|cargo|go|gem|uv) (install|add|ci|i)\b", line)


def _near(line: str, other: str) -> bool:
    first = re.match(r"\s*[\"']?[\w:.-]+[\"']?\s*[:=]|\t", line)
    return bool(first) and other.startswith(first[0] if first else "")


def _lines_at(lines: list[str], at: int) -> str:
    return lines[at - 1].strip() if at else ""


def _thresholds(path: str, before: list[str], after: list[str]) -> Iterator[Weakening]:
    """Thresholds by their names, in whatever file."""
    if path.endswith((".toml", ".json", ".cfg", ".ini", ".coveragerc")):
        return  # read as settings
    was, now = _values(before), _values(after)
    for name, value in was.items():
        if name in now and now[name][0] < value[0]:
            text = f"{path}: {name} is {now[name][0]:g}, at the base {value[0]:g}"
            yield weakening("coverage", path, now[name][1], text)


def _values(lines: list[str]) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    for at, line in enumerate(lines, 1):
        for name, value in _THRESHOLD.findall(line):
            found[name] = min(found.get(name, (float(value), at)), (float(value), at))
    return found
