"""The base's tests over a candidate's tree: what comes back, what stays, what goes."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from kage_nvim.evaluate.guard.merged import harmless, with_settings
from kage_nvim.evaluate.guard.overlay import overlay
from kage_nvim.evaluate.guard.testfiles import kind
from kage_nvim.git import run_git
from kage_nvim.trees import PLAIN, SYMLINK, Entry, edit_tree, entries, own_objects, read_blobs, write_blob


class Store:
    """A bare repository as Kage keeps one."""

    def __init__(self, folder: Path) -> None:
        self.git_dir = folder / "store.git"
        self.scratch = folder
        run_git(["init", "-q", "--bare", str(self.git_dir)], cwd=folder)
        own_objects(self.git_dir).mkdir()
        (self.git_dir / "objects" / "info" / "alternates").write_text(f"{own_objects(self.git_dir)}\n")
        self.empty = (
            run_git(["hash-object", "-t", "tree", "/dev/null"], git_dir=self.git_dir).decode().strip()
        )

    def tree(self, files: dict[str, str], links: dict[str, str] | None = None) -> str:
        found = [Entry(PLAIN, write_blob(self, text.encode()), path) for path, text in files.items()]
        found += [Entry(SYMLINK, write_blob(self, to.encode()), path) for path, to in (links or {}).items()]
        run_git(["hash-object", "-w", "-t", "tree", "/dev/null"], git_dir=self.git_dir)
        return edit_tree(self, self.empty, found, self.scratch / secrets.token_hex(4))

    def files(self, tree: str) -> dict[str, str]:
        found = entries(self, tree)
        texts = read_blobs(self, [entry.sha for entry in found])
        return {entry.path: texts[entry.sha].decode() for entry in found}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


TEST = "def test_total():\n    assert total([1, 2]) == 3\n"
BASE = {
    "cart.py": "def total(x): return 0\n",
    "tests/test_cart.py": TEST,
    "tests/golden/cart.json": "3",
    "tests/conftest.py": "import pytest\n",
    "pyproject.toml": '[project]\nname = "cart"\n\n[tool.pytest.ini_options]\naddopts = "-q"\n',
}


def laid(store: Store, ours: dict[str, str], **more: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    tree, paths = overlay(store, store.tree(BASE), store.tree(ours, **more), store.scratch)
    return store.files(tree), paths


def test_tests_and_their_data_come_back_and_the_program_stays(store: Store) -> None:
    ours = {**BASE, "cart.py": "mended\n", "tests/test_cart.py": "pass\n", "tests/golden/cart.json": "4"}
    files, paths = laid(store, ours)
    assert files == {**BASE, "cart.py": "mended\n"}
    assert paths == ["tests/golden/cart.json", "tests/test_cart.py"]


def test_a_deleted_test_comes_back_and_a_new_one_stays(store: Store) -> None:
    files, paths = laid(
        store, {"cart.py": "x", "tests/test_new.py": "y", "pyproject.toml": BASE["pyproject.toml"]}
    )
    assert files == {**BASE, "cart.py": "x", "tests/test_new.py": "y"}
    assert paths == ["tests/conftest.py", "tests/golden/cart.json", "tests/test_cart.py"]


def test_a_moved_test_is_there_once(store: Store) -> None:
    ours = {path: text for path, text in BASE.items() if path != "tests/test_cart.py"}
    files, _ = laid(store, {**ours, "tests/unit/test_cart.py": TEST})
    assert files == BASE


def test_nothing_is_done_where_no_test_was_touched(store: Store) -> None:
    base, ours = store.tree(BASE), store.tree({**BASE, "cart.py": "mended\n"})
    assert overlay(store, base, ours, store.scratch) == (ours, [])


def test_a_link_in_the_place_of_the_tests_goes(store: Store) -> None:
    ours = {"cart.py": "x", "fake/test_cart.py": "pass\n", "pyproject.toml": BASE["pyproject.toml"]}
    files, _ = laid(store, ours, links={"tests": "fake"})
    assert files == {**BASE, **ours}


def test_what_would_run_before_the_tests_goes(store: Store) -> None:
    hooks = {
        "sitecustomize.py": "x",
        "pytest.py": "x",
        "pytest.ini": "[pytest]\n",
        ".cargo/config.toml": "[target.x]\nrunner = 'true'\n",
        ".venv/bin/pytest": "true\n",
        "tests/__init__.py": "def load_tests(loader, tests, pattern):\n    return tests\n",
        "conftest.py": "def pytest_collection_modifyitems(items):\n    items.clear()\n",
    }
    files, paths = laid(store, {**BASE, **hooks})
    assert files == BASE and paths == sorted(hooks)


def test_fixtures_that_are_asked_for_stay(store: Store) -> None:
    fixture = "import pytest\n\n@pytest.fixture\ndef shop():\n    return 1\n"
    ours = {**BASE, "tests/conftest.py": fixture, "tests/new/conftest.py": fixture, "conftest.py": fixture}
    assert laid(store, ours) == (ours, [])


def test_a_conftest_that_does_more_is_the_bases(store: Store) -> None:
    for text in (
        "import pytest\n\n@pytest.fixture(autouse=True)\ndef shop():\n    return 1\n",
        "import pytest\n\nimport cart\ncart.total = len\n",
        "pytest = None\n",
        "from fakes import *\nimport pytest\n",
        "import pytest\n\n@pytest.fixture\ndef monkeypatch():\n    return None\n",
        "import pytest\n\n@pytest.mark.usefixtures\ndef shop(x=exit()):\n    return 1\n",
    ):
        assert laid(store, {**BASE, "tests/conftest.py": text})[0] == BASE, text


def test_a_conftest_may_load_a_new_file_that_does_nothing_by_itself(store: Store) -> None:
    conftest = "import pytest\nfrom helper import fix\n"
    quiet = {**BASE, "tests/conftest.py": conftest, "helper.py": "def fix():\n    return 1\n"}
    assert laid(store, quiet) == (quiet, [])
    loud = {**quiet, "helper.py": "import cart\ncart.total = len\n"}
    assert laid(store, loud)[1] == ["tests/conftest.py"]


def test_a_test_may_follow_a_module_that_was_renamed(store: Store) -> None:
    program = "def total(x):\n    return sum(x)\n\n\ndef mean(x):\n    return total(x) / len(x)\n"
    test = "from cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    base = store.tree({"cart.py": program, "tests/test_cart.py": test})
    follows = test.replace("from cart", "from shop")
    for wanted, text in ((follows, follows), (test, follows.replace("== 3", "== 4"))):
        ours = store.tree({"shop.py": program, "tests/test_shop.py": text})
        tree, _ = overlay(store, base, ours, store.scratch)
        assert store.files(tree)["tests/test_cart.py"] == wanted


def test_a_fixture_that_hides_another_one_goes(store: Store) -> None:
    known = {**BASE, "conftest.py": "import pytest\n\n@pytest.fixture\ndef cart():\n    return 1\n"}
    hiding = {**known, "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef cart():\n    return 2\n"}
    tree, paths = overlay(store, store.tree(known), store.tree(hiding), store.scratch)
    assert store.files(tree) == known and paths == ["tests/conftest.py"]


def test_settings_of_tests_come_back_and_the_rest_of_the_file_stays(store: Store) -> None:
    ours = BASE["pyproject.toml"].replace('name = "cart"', 'name = "cart"\ndependencies = ["attrs"]')
    files, _ = laid(store, {**BASE, "pyproject.toml": ours.replace("-q", "-q -k nothing")})
    assert files["pyproject.toml"] == ours
    markers = BASE["pyproject.toml"] + 'markers = ["slow"]\n'
    assert laid(store, {**BASE, "pyproject.toml": markers})[1] == []


def test_the_scripts_of_a_package_come_back() -> None:
    base = {"scripts": {"test": "jest", "build": "tsc"}, "jest": {"bail": 1}, "dependencies": {}}
    ours = {
        "scripts": {"test": "true", "build": "tsc -b", "pretest": "rm -r test"},
        "dependencies": {"a": "1"},
    }
    merged = with_settings("package.json", json.dumps(base).encode(), json.dumps(ours).encode())
    assert merged is not None
    assert json.loads(merged) == {
        "scripts": {"test": "jest", "build": "tsc -b"},
        "jest": {"bail": 1},
        "dependencies": {"a": "1"},
    }
    assert with_settings("package.json", b"{", b"{}") is None


def test_sections_of_ini_files_come_back() -> None:
    base = b"[metadata]\nname = cart\n\n[tool:pytest]\naddopts = -q\n"
    ours = b"[metadata]\nname = carts\n\n[tool:pytest]\naddopts = --co\n"
    assert with_settings("setup.cfg", base, ours) == base.replace(b"cart\n", b"carts\n")


def test_only_what_nothing_uses_by_itself_is_harmless() -> None:
    base = b"import pytest\n\nX = 1\n"
    assert harmless(
        "tests/conftest.py", base, base + b"\nimport os\n\ndef helper(x):\n    return x\n\nY = [1]\n"
    )
    for more in (b"X = 2\n", b"print(1)\n", b"def pytest_configure(config):\n    pass\n", b"Y = open('x')\n"):
        assert not harmless("tests/conftest.py", base, base + more), more


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("tests/test_cart.py", "test"),
        ("cart_test.go", "test"),
        ("src/cart.spec.ts", "test"),
        ("src/__tests__/cart.js", "test"),
        ("src/test/java/CartTest.java", "test"),
        ("spec/cart_spec.rb", "test"),
        ("tests/cart.rs", "test"),
        ("tests/helpers.py", "support"),
        ("tests/data/cart.csv", "data"),
        ("pkg/testdata/cart.txt", "data"),
        ("src/__snapshots__/cart.test.js.snap", "data"),
        ("conftest.py", "settings"),
        ("jest.config.js", "settings"),
        (".github/workflows/ci.yml", "settings"),
        ("pyproject.toml", "mixed"),
        ("Makefile", "mixed"),
        ("src/cart.py", "other"),
        ("src/contest.py", "other"),
        ("docs/testing.md", "other"),
        ("latest.py", "other"),
        ("src/attest.go", "other"),
    ],
)
def test_files_are_known_by_their_paths(path: str, what: str) -> None:
    assert kind(path) == what


def test_more_files_can_be_named_as_tests() -> None:
    assert kind("checks/cart.py", ["checks/*"]) == "test"
    assert kind("checks/want.txt", ["checks/*"]) == "data"
