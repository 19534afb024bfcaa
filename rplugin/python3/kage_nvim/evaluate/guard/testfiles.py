"""Which files are tests, what tests are held against, and what decides how tests are run. By path alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Literal

Kind = Literal["test", "support", "data", "settings", "mixed", "other"]

_FOLDERS = {
    "test", "tests", "testing", "__tests__", "spec", "specs", "e2e", "__mocks__", "t", "unit_tests",
    "androidTest",
}  # fmt: skip
_KEPT = {
    "__snapshots__", "snapshots", "testdata", "test_data", "test-data", "golden", "goldens", "expected",
    "cassettes", "__image_snapshots__", "fixtures",
}  # fmt: skip
_GOLDEN = re.compile(
    r"\.(snap|golden|gold|approved(\.\w+)?|expected|ambr|verified(\.\w+)?|out\.txt|ref)$|^golden[._]"
)
_SOURCE = re.compile(
    r"\.(py|pyi|js|jsx|mjs|cjs|ts|tsx|mts|cts|go|rs|java|kt|kts|scala|groovy|rb|c|h|cc|cpp|cxx|hpp|hh|php|lua"
    r"|cs|fs|swift|ex|exs|erl|dart|clj|hs|ml|jl|R|pl|t|sh|bash|bats|vim|zig|nim)$"
)
_TEST = re.compile(
    r"^(test_.*\.py|.*_test\.py|tests?\.py|.*\.(test|spec|cy|e2e)\.\w+|.*_test\.(go|exs?|rb|cc|cpp|cxx|c|lua|dart)"
    r"|.*_(spec|unittest)\.(rb|lua|cc|cpp)|test_.*\.(rb|c|cc|cpp|lua|sh|jl)|.*(Test|Tests|IT|TestCase|Spec|Specs)"
    r"\.(java|kt|scala|groovy|cs|php|swift)|Test[A-Z]\w*\.(java|kt|cs)|.*\.bats|.*\.t)$"
)
_SETTINGS = re.compile(
    r"^(conftest\.py|\.kage\.toml|\.?pytest\.(ini|toml)|\.coveragerc|(jest|vitest|karma|playwright|cypress|ava|wdio|cucumber)"
    r"\.(config|conf)\.\w+|\.mocharc(\.\w+)?|\.nycrc(\.\w+)?|\.c8rc(\.\w+)?|\.taprc|noxfile\.py|\.rspec|nextest\.toml"
    r"|phpunit\.xml(\.dist)?|\.?codecov\.ya?ml|jest\.setup\.\w+|vitest\.setup\.\w+|setupTests\.\w+"
    r"|(spec|rails|test)_helper\.\w+|run_?-?tests?(\.\w+)?|tests?\.(sh|bash)|TestMain\.java|(gradlew|mvnw)(\.\w+)?"
    r"|\.npmrc|\.yarnrc(\.ya?ml)?|\.pnpmfile\.cjs|junit-platform\.properties|gradle\.properties)$"
)
_MIXED = re.compile(
    r"^(pyproject\.toml|setup\.cfg|tox\.ini|package\.json|Cargo\.toml|(GNUm|m|M)akefile|.*\.mk|CMakeLists\.txt|Rakefile"
    r"|build\.gradle(\.kts)?|pom\.xml|justfile|Justfile|Taskfile\.ya?ml|vite\.config\.\w+|\.?ruff\.toml|\.?mypy\.ini"
    r"|\.flake8|\.pylintrc|tsconfig.*\.json|\.eslintrc.*|eslint\.config\.\w+|biome\.jsonc?|pyrightconfig\.json"
    r"|\.golangci\.ya?ml|clippy\.toml|\.rubocop\.ya?ml|\.gitlab-ci\.ya?ml|\.travis\.ya?ml|azure-pipelines\.ya?ml"
    r"|composer\.json|setup\.py|\.pre-commit-config\.yaml|deno\.jsonc?|go\.mod|Gemfile|requirements.*\.txt|dune|build\.sbt|mix\.exs|meson\.build)$"
)
_WORKFLOWS = re.compile(r"^\.cargo/config(\.toml)?$|^\.mvn/[\w.]+$|^\.(github|circleci|buildkite)/.*\.ya?ml$")
HOOKS = re.compile(
    r"^(?P<owner>((src|lib|python)/)?(sitecustomize|usercustomize|_?pytest|unittest|doctest|nose2?|mock|hypothesis"
    r"|pluggy|coverage|iniconfig|difflib|pytest_\w+))(\.py|/.*\.(py|so|pyd))$|^\S+\.pth$"
    r"|^(?P<folder>\.?venv|node_modules|((src|lib)/)?[^/]+\.(dist|egg)-info)/"
    r"|^(.*/)?(META-INF/services/org\.junit[^/]*|junit-platform\.properties)$"
    r"|^\.cargo/config(\.toml)?$|^\.npmrc$|^\.pnpmfile\.cjs$"
    r"|^(?P<library>(.*/)?vendor/github\.com/(stretchr|onsi|google/go-cmp|frankban)"
    r"|(.*/)?src/(main|test)/(java|kotlin)/(org/(junit|mockito|assertj|hamcrest|testng)|junit/framework))/"
)
"""Files that would be loaded in the place of what runs tests, or before it."""


def in_the_way(path: str, known: Collection[str]) -> bool:
    """Whether a new file is loaded in the place of what runs tests, or before it; ``known`` are the base's
    files: a library that is the project itself has its name by right."""
    found = HOOKS.match(path)
    if found is None:
        return False
    owner = found["owner"] or found["folder"] or found["library"]
    return not owner or not any(other.startswith(f"{owner}/") for other in known)


def kind(path: str, more: Sequence[str] = ()) -> Kind:
    """What a file is; ``more`` are globs of files that are tests in this repository.

    ``support`` is code in a folder of tests that is no test; ``mixed`` holds settings of tests among others.
    """
    folders, name = path.split("/")[:-1], path.rpartition("/")[2]
    inside = bool(_FOLDERS & set(folders)) or "src/test/" in f"{path}/"
    if any(fnmatchcase(path, glob) for glob in more):
        return "test" if _SOURCE.search(name) else "data"
    if _SETTINGS.match(name) or _WORKFLOWS.match(path):
        return "settings"
    if _MIXED.match(name):
        return "mixed"
    if _GOLDEN.search(name) or (_KEPT & set(folders) and (inside or not _SOURCE.search(name))):
        return "data"
    if _TEST.match(name) and (name not in ("test.py", "tests.py") or len(folders) < 4):
        return "test"
    if inside and _SOURCE.search(name):
        return "support" if name.endswith((".py", ".pyi", ".h", ".hpp")) else "test"
    return "data" if inside and name not in ("README.md", "README", ".gitignore") else "other"


def holds_tests(path: str, more: Sequence[str] = ()) -> bool:
    """Whether the base's version of a file is the one that counts."""
    return kind(path, more) in ("test", "support", "data", "settings")
