"""What a check looks at, taken from its name and its command where nobody says it."""

from __future__ import annotations

import re

from kage_nvim.config import Check

_NAMES = {
    "bench": "bench benchmark benchmarks perf performance speed hyperfine",
    "type": "type types typing typecheck mypy pyright tsc basedpyright pyre ty",
    "lint": "lint linter ruff eslint clippy vet flake8 pylint style format fmt stylua luacheck shellcheck",
    "test": "test tests testing spec specs unit e2e integration pytest unittest doctest nox tox ctest jest",
}
_COMMANDS = {
    "bench": r"hyperfine|--benchmark-\w+|cargo bench|go test\b.*\s-bench\b|\bbench(mark)?s?\b",
    "type": r"\b(mypy|pyright|basedpyright|tsc|dmypy|pyre|typecheck)\b",
    "lint": r"\b(ruff|eslint|flake8|pylint|shellcheck|stylua|luacheck|golangci-lint|biome|prettier|black)\b"
    r"|cargo (clippy|fmt)|go vet|\blint\b",
    "test": r"\b(pytest|py\.test|unittest|doctest|tox|nox|ctest|jest|vitest|mocha|rspec|prove|bats|nextest)\b"
    r"|\b(cargo|go|npm|pnpm|yarn|bun|make|mvn|gradlew?|mvnw|dotnet|mix|deno)\b.*\btests?\b|node --test",
}


def kind_of(name: str, check: Check) -> str:
    """``test``, ``lint``, ``type``, ``bench`` or ``custom``."""
    if check.kind:
        return check.kind
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    for kind, known in _NAMES.items():
        if words & set(known.split()):
            return kind
    command = check.command if isinstance(check.command, str) else " ".join(check.command)
    return next((kind for kind, shape in _COMMANDS.items() if re.search(shape, command)), "custom")


def is_required(name: str, check: Check) -> bool:
    """Whether a candidate must pass it to be green."""
    return kind_of(name, check) != "bench" if check.required is None else check.required
