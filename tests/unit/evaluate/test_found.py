"""Which checks a repository has when it names none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim.config import Check, RepositoryConfig
from kage_nvim.evaluate.checks.found import absent, checks_of
from kage_nvim.evaluate.checks.kinds import kind_of
from kage_nvim.evaluate.results import begun

ALL = "pytest python3 cargo cargo-clippy go npm pnpm yarn bun make cmake ctest gradle mvn nox tox ruff mypy"
ALL += " pyright eslint tsc"


def program(folder: Path, *names: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def found(root: Path, path: str) -> dict[str, object]:
    return {name: check.command for name, check in checks_of(root, RepositoryConfig(), path).items()}


def laid(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_what_is_configured_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "go.mod").touch()
    path = program(tmp_path / "bin", "go")
    named = {"mine": Check(command="true")}
    assert checks_of(tmp_path, RepositoryConfig(checks=named), path) == named
    assert found(tmp_path, path) == {"go": "go test ./...", "vet": "go vet ./..."}


SCRIPTS = json.dumps({"scripts": {"test": "jest", "lint": "eslint .", "typecheck": "tsc"}})
LINTS = {"ruff": "ruff check .", "mypy": "mypy ."}
TEST = "def test_a(): pass\n"
UNITTEST = "python3 -m unittest discover -v"


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"pytest.ini": ""}, {"pytest": "pytest -q"}),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, {"pytest": "pytest -q"}),
        ({"tests/unit/test_a.py": ""}, {"pytest": "pytest -q"}),
        (
            {"conftest.py": "", "ruff.toml": "", "mypy.ini": "[mypy]\nstrict = true\n", "noxfile.py": ""},
            {"pytest": "pytest -q", "ruff": "ruff check .", "mypy": "mypy ."},
        ),
        (
            {"pyproject.toml": '[tool.mypy]\nfiles = ["src"]\n[tool.ruff.lint]\n[tool.pyright]\n'},
            {"ruff": "ruff check .", "mypy": "mypy", "pyright": "pyright"},
        ),
        ({"noxfile.py": "", "tox.ini": "[tox]\n"}, {"nox": "nox"}),
        ({"tox.ini": "[testenv]\n"}, {"tox": "tox"}),
        ({"tox.ini": "[pytest]\n"}, {"pytest": "pytest -q"}),
        (
            {"calc.py": 'def f():\n    """\n    >>> f()\n    """\n'},
            {"doctest": "python3 -m doctest -v calc.py"},
        ),
        ({"calc.py": "x = 1\n"}, {}),
        (
            {"Cargo.toml": "[package]\n"},
            {"cargo": "cargo test --no-fail-fast", "clippy": "cargo clippy --quiet --all-targets"},
        ),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["ruff>=0.4", "mypy"]\n'}, LINTS),
        ({"requirements-dev.txt": "# tools\nruff==0.4\nmypy\n"}, LINTS),
        ({"pyproject.toml": '# "ruff"\ndev = ["ruff-lsp"]\n', "requirements.txt": "mypy-extensions\n"}, {}),
        ({"Makefile": ".PHONY: test\nunit test: x\n\tsh t.sh\n"}, {"make": "make test"}),
        ({"Makefile": ".PHONY: test\nall:\n\techo test:\n"}, {}),
        (
            {"pnpm-lock.yaml": "", "package.json": "{}", "p/a/package.json": SCRIPTS},
            {"pnpm p/a": "cd p/a && pnpm test"},
        ),
        (
            {"Cargo.toml": "[lints.clippy]\n"},
            {
                "cargo": "cargo test --no-fail-fast",
                "clippy": "cargo clippy --quiet --all-targets -- -D warnings",
            },
        ),
        (
            {"package.json": SCRIPTS, "tsconfig.json": "{}", "eslint.config.mjs": ""},
            {"npm": "npm test", "lint": "npm run lint", "typecheck": "npm run typecheck"},
        ),
        (
            {"package.json": SCRIPTS.replace("eslint .", ""), "yarn.lock": ""},
            {"yarn": "yarn test", "typecheck": "yarn run typecheck"},
        ),
        ({"package.json": '{"scripts": {"test": "x"}, "packageManager": "pnpm@9"}'}, {"pnpm": "pnpm test"}),
        ({"package.json": '{"scripts": {"test": "x"}}', "bun.lock": ""}, {"bun": "bun run test"}),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, {}),
        ({"package.json": "[1, 2"}, {}),
        ({"package.json": '{"scripts": [], "eslintConfig": {}}'}, {"eslint": "eslint ."}),
        ({"tsconfig.json": "{}", "node_modules/.bin/tsc": ""}, {"tsc": "./node_modules/.bin/tsc --noEmit"}),
        ({"Makefile": "test: all\n\tsh t.sh\nlint:\n\tx\n"}, {"make": "make test", "lint": "make lint"}),
        ({"Makefile": "check:\n\tsh t.sh\ntest := 3\n"}, {"make": "make check"}),
        ({"Makefile": "test:\n\tpytest -q\n", "pytest.ini": ""}, {"pytest": "pytest -q"}),
        ({"Makefile": "test:\n\tsh t.sh\n", "pytest.ini": ""}, {"pytest": "pytest -q", "make": "make test"}),
        (
            {"CMakeLists.txt": "project(x)\nenable_testing()\n"},
            {"ctest": "cmake -B build && cmake --build build && ctest --test-dir build --output-on-failure"},
        ),
        ({"CMakeLists.txt": "project(x)\n"}, {}),
        (
            {"Makefile": ".PHONY: test unit\ntest: all unit ## run\nunit:\n\tpytest -q\n", "pytest.ini": ""},
            {"pytest": "pytest -q"},
        ),
        ({"pkg/deep/a_test.py": "def test_a(): pass\n"}, {"pytest": "pytest -q"}),
        ({"tools/test_connection.py": "print('is it up?')\n", "node_modules/x/test_a.py": TEST}, {}),
        ({"web/package.json": SCRIPTS, "web/p/package.json": SCRIPTS}, {"npm web": "cd web && npm test"}),
        (
            {"go.mod": "", "web/package.json": SCRIPTS},
            {"go": "go test ./...", "vet": "go vet ./..."},
        ),
        (
            {"services/a b/go.mod": "", "services/c/Cargo.toml": "", "vendor/x/go.mod": "", ".x/go.mod": ""},
            {
                "go services/a b": "cd 'services/a b' && go test ./...",
                "cargo services/c": "cd services/c && cargo test --no-fail-fast",
            },
        ),
        (
            {"Makefile": "lint:\n\tx\n", "app/pom.xml": ""},
            {"lint": "make lint", "maven app": "cd app && mvn -B -o test"},
        ),
        ({"build.gradle.kts": ""}, {"gradle": "gradle --offline test"}),
        ({"pom.xml": ""}, {"maven": "mvn -B -o test"}),
        ({}, {}),
    ],
)
def test_what_the_files_say(tmp_path: Path, files: dict[str, str], wanted: dict[str, str]) -> None:
    path = program(tmp_path / "bin", *ALL.split())
    assert found(laid(tmp_path / "project", files | {"README": ""}), path) == wanted


def test_what_is_found_needs_its_program(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "python3", "make", "npm")
    files = {
        "tests/test_a.py": "import unittest\n",
        "Makefile": "test: all\n",
        "package.json": '{"scripts": {"test": "jest"}}',
    }
    root = laid(
        tmp_path / "project", files | {"Cargo.toml": "", "go.mod": "", "ruff.toml": "", "pom.xml": ""}
    )
    wanted = {"unittest": f"{UNITTEST} -s tests", "npm": "npm test", "make": "make test"}
    assert found(root, path) == wanted
    (root / "tests" / "__init__.py").touch()
    assert found(root, path)["unittest"] == UNITTEST
    below = laid(tmp_path / "below", {"pkg/inner/test_a.py": "import unittest\n", "pkg/__init__.py": ""})
    assert found(below, path) == {"unittest": f"{UNITTEST} -s pkg/inner"}
    (below / "pkg" / "inner" / "__init__.py").touch()
    assert found(below, path) == {"unittest": UNITTEST}
    program(root / ".venv" / "bin", "pytest")
    assert found(root, path) == {"pytest": "pytest -q", "npm": "npm test", "make": "make test"}
    (root / "mvnw").write_text("#!/bin/sh\n")
    assert "maven" not in found(root, path)
    (root / "mvnw").chmod(0o755)
    assert found(root, path)["maven"] == "./mvnw -B -o test"


def test_what_is_asked_for_and_not_there_is_named(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "python3", "make")
    root = laid(tmp_path / "project", {"tests/test_a.py": TEST, "Cargo.toml": "", "mypy.ini": ""})
    assert (found(root, path), absent(root, RepositoryConfig(), path)) == (
        {},
        ["pytest", "cargo", "mypy", "cargo-clippy"],
    )
    named = RepositoryConfig(checks={"mine": Check(command="true")})
    assert absent(root, named, path) == [], "what is named stands alone"
    (root / "tests" / "test_b.py").write_text("import unittest\n")
    assert found(root, path) == {"unittest": f"{UNITTEST} -s tests"}
    assert "pytest" not in absent(root, RepositoryConfig(), path), "another runs them"


def test_what_looks_at_style_and_types_need_not_pass(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", *ALL.split())
    root = laid(tmp_path / "project", {"pytest.ini": "", "ruff.toml": "", "mypy.ini": ""})
    results = [begun(name, check) for name, check in checks_of(root, RepositoryConfig(), path).items()]
    assert [(r.name, r.kind, r.required) for r in results] == [
        ("pytest", "test", True),
        ("ruff", "lint", False),
        ("mypy", "type", False),
    ]


def test_examples_of_several_files_are_all_tried(tmp_path: Path) -> None:
    example = '"""\n>>> 1\n1\n"""\n'
    root = laid(tmp_path / "p", {"a.py": example, "src/my lib.py": example, ".hidden/b.py": example})
    command = str(found(root, program(tmp_path / "bin", "python3"))["doctest"])
    assert "for f in a.py 'src/my lib.py'; do" in command


@pytest.mark.parametrize(
    ("name", "command", "kind"),
    [
        ("tests", "sh run.sh", "test"),
        ("x", "uv run pytest -q", "test"),
        ("x", ["cargo", "test"], "test"),
        ("x", "cargo clippy", "lint"),
        ("x", "cargo bench", "bench"),
        ("perf", "sh run.sh", "bench"),
        ("x", "hyperfine --export-json r.json ./a", "bench"),
        ("x", "pytest --benchmark-only", "bench"),
        ("x", "npm run lint", "lint"),
        ("x", "npm run test:unit", "test"),
        ("x", "npx tsc --noEmit", "type"),
        ("x", "mypy .", "type"),
        ("unit-tests", "make ci", "test"),
        ("x", "sh run.sh", "custom"),
        ("latest", "sh run.sh", "custom"),
    ],
)
def test_a_kind_is_taken_from_name_and_command(name: str, command: str | list[str], kind: str) -> None:
    assert kind_of(name, Check(command=command)) == kind
    assert kind_of(name, Check(command=command, kind="custom")) == "custom"
    assert begun(name, Check(command=command)).required == (kind != "bench")
