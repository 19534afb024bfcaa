"""What runs the tests, what they are held against and what meddles with them from outside is looked at too."""

from __future__ import annotations

import pytest

from tests.unit.evaluate.test_weakened import named

TEST = "from cart import total\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
PYPROJECT = """\
[project]
name = "cart"
dependencies = ["attrs"]

[tool.pytest.ini_options]
addopts = "-q --strict-markers --cov-fail-under=90"
filterwarnings = ["error"]
testpaths = ["tests"]
xfail_strict = true

[tool.coverage.report]
fail_under = 90

[tool.ruff.lint]
select = ["E", "F"]

[tool.mypy]
strict = true
"""
PACKAGE = """\
{
  "name": "cart",
  "scripts": {
    "test": "jest --coverage",
    "build": "tsc"
  },
  "jest": {
    "coverageThreshold": { "global": { "lines": 90 } },
    "testTimeout": 5000
  },
  "devDependencies": { "jest": "^29.0.0" }
}
"""
MAKE = "all: build\n\nbuild:\n\tcc cart.c\n\ntest: build\n\tpytest -q tests\n"
CI = "on: push\njobs:\n  test:\n    steps:\n      - run: pip install -e .\n      - run: pytest -q\n"
CONFTEST = "import pytest\n\n@pytest.fixture\ndef cart():\n    return []\n"
CARGO = '[package]\nname = "cart"\nversion = "0.1.0"\n\n[[test]]\nname = "all"\npath = "tests/all.rs"\n'
CART = """\
class Money:
    def __init__(self, amount, currency):
        self.amount = amount
        self.currency = currency

    def __eq__(self, other):
        return self.amount == other.amount and self.currency == other.currency


def total(items):
    return sum(items)
"""
NEW = ""
WAYS: list[tuple[str, str, str, str, str]] = [
    # kind, path, the base's text, what stood there, what stands there
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q -k 'not total' --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q --ignore=tests/test_cart.py --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q --deselect tests/test_cart.py::test_total --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q --collect-only --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q -m 'not slow' --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q --maxfail=1 --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q -p no:warnings --strict"),
    ("settings", "pyproject.toml", PYPROJECT, "-q --strict", "-q --assert=plain --strict"),
    ("retries", "pyproject.toml", PYPROJECT, "-q --strict", "-q --reruns 3 --strict"),
    ("timeout", "pyproject.toml", PYPROJECT, "-q --strict", "-q --timeout=1 --strict"),
    ("timeout", "pyproject.toml", PYPROJECT, "xfail_strict", "timeout = 900\nxfail_strict"),
    ("coverage", "pyproject.toml", PYPROJECT, "under=90", "under=50"),
    ("coverage", "pyproject.toml", PYPROJECT, " --cov-fail-under=90", ""),
    ("coverage", "pyproject.toml", PYPROJECT, "fail_under = 90", "fail_under = 10"),
    ("coverage", "pyproject.toml", PYPROJECT, "fail_under = 90", ""),
    ("coverage", "pyproject.toml", PYPROJECT, "fail_under = 90", "fail_under = 90\nomit = ['cart.py']"),
    ("warnings", "pyproject.toml", PYPROJECT, '["error"]', '["ignore"]'),
    ("settings", "pyproject.toml", PYPROJECT, 'testpaths = ["tests"]', 'testpaths = ["tests/unit"]'),
    ("settings", "pyproject.toml", PYPROJECT, "xfail_strict = true", "xfail_strict = false"),
    ("settings", "pyproject.toml", PYPROJECT, "xfail_strict", 'python_files = ["check_*.py"]\nxfail_strict'),
    ("settings", "pyproject.toml", PYPROJECT, "xfail_strict", 'python_functions = ["check_*"]\nxfail_strict'),
    ("settings", "pyproject.toml", PYPROJECT, '["E", "F"]', '["E"]'),
    ("settings", "pyproject.toml", PYPROJECT, '["E", "F"]', '["E", "F"]\nignore = ["F821"]'),
    ("settings", "pyproject.toml", PYPROJECT, "strict = true\n", "strict = false\n"),
    ("settings", "pytest.ini", NEW, "", "[pytest]\n"),
    ("settings", "pytest.ini", NEW, "", "[pytest]\naddopts = --ignore=tests/test_cart.py\n"),
    ("coverage", ".coveragerc", "[report]\nfail_under = 80\n", "80", "20"),
    ("runner", "tox.ini", "[testenv]\ncommands = pytest -q\n", "pytest -q", "true"),
    ("runner", "tox.ini", "[testenv]\ncommands = pytest -q\n", "commands", "ignore_outcome = true\ncommands"),
    ("runner", "package.json", PACKAGE, "jest --coverage", "true"),
    ("runner", "package.json", PACKAGE, "jest --coverage", "echo ok"),
    ("runner", "package.json", PACKAGE, "jest --coverage", "jest --coverage || true"),
    ("runner", "package.json", PACKAGE, "jest --coverage", "jest --passWithNoTests"),
    ("skipped", "package.json", PACKAGE, "jest --coverage", "jest --coverage --testPathIgnorePatterns cart"),
    ("golden", "package.json", PACKAGE, "jest --coverage", "jest --coverage -u"),
    ("coverage", "package.json", PACKAGE, '"lines": 90', '"lines": 5'),
    ("timeout", "package.json", PACKAGE, "5000", "600000"),
    ("settings", "package.json", PACKAGE, '"testTimeout"', '"testPathIgnorePatterns": ["cart"],\n    "testTimeout"'),
    ("runner", "Makefile", MAKE, "\tpytest -q tests", "\ttrue"),
    ("runner", "Makefile", MAKE, "\tpytest -q tests", "\tpytest -q tests || true"),
    ("runner", "Makefile", MAKE, "\tpytest -q tests", "\t-pytest -q tests"),
    ("runner", "Makefile", MAKE, "\tpytest -q tests", "\t@echo 'all tests passed'"),
    ("settings", "Makefile", MAKE, "pytest -q tests", "pytest -q tests --deselect tests/test_cart.py::test_total"),
    ("runner", "Makefile", MAKE, "\tpytest -q tests", "\tPYTHONOPTIMIZE=1 pytest -q tests"),
    ("runner", ".github/workflows/ci.yml", CI, "run: pytest -q", "run: pytest -q || true"),
    ("runner", ".github/workflows/ci.yml", CI, "- run: pytest -q", "- run: pytest -q\n        continue-on-error: true"),
    ("runner", ".github/workflows/ci.yml", CI, "      - run: pytest -q\n", ""),
    ("runner", "run_tests.sh", "set -e\npytest -q\n", "pytest -q", "exit 0"),
    ("settings", "Cargo.toml", CARGO, "[[test]]", "[lib]\ntest = false\n\n[[test]]"),
    ("deleted", "Cargo.toml", CARGO, '[[test]]\nname = "all"\npath = "tests/all.rs"\n', ""),
    ("deleted", "CMakeLists.txt", "project(cart)\nadd_test(NAME a COMMAND a)\n", "add_test(NAME a COMMAND a)", ""),
    ("runner", "pom.xml", "<properties>\n</properties>\n", "</prop", "<maven.test.skip>true</maven.test.skip>\n</prop"),
    ("skipped", "vitest.config.ts", "export default {\n test: {}\n}\n", "test: {}", "test: {},\n exclude: ['x'],\n testNamePattern: 'a',"),
    ("retries", "vitest.config.ts", "export default {\n test: {}\n}\n", "test: {}", "test: {\n retry: 3 }"),
    ("coverage", "jest.config.js", "module.exports = {\n lines: 90,\n}\n", "90", "10"),
    ("settings", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ncollect_ignore = ['test_cart.py']\n"),
    ("settings", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ncollect_ignore_glob = ['*']\n"),
    ("hook", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ndef pytest_ignore_collect(path):\n    return True\n"),
    ("hook", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ndef pytest_collection_modifyitems(items):\n    items[:] = []\n"),
    ("hook", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ndef pytest_sessionfinish(session):\n    session.exitstatus = 0\n"),
    ("hook", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item):\n    out = yield\n    out.get_result().outcome = 'passed'\n"),
    ("hook", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n"),
    ("hook", "conftest.py", NEW, "", "def pytest_collection_modifyitems(items):\n    items.clear()\n"),
    ("patched", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest, cart\n@pytest.fixture(autouse=True)\ndef quiet(monkeypatch):\n    monkeypatch.setattr(cart, 'total', lambda x: 3)\n"),
    ("skipped", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\n@pytest.fixture(autouse=True)\ndef quiet():\n    pytest.skip('no')\n"),
    ("exit", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest, os\nos._exit(0)\n"),
    ("exit", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest, sys\nsys.exit(0)\n"),
    ("patched", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest, builtins\nbuiltins.AssertionError = Warning\n"),
    ("runner", "sitecustomize.py", NEW, "", "import os\n"),
    ("runner", "pytest.py", NEW, "", "raise SystemExit(0)\n"),
    ("runner", "unittest/__init__.py", NEW, "", "class TestCase: pass\n"),
    ("runner", "Makefile", MAKE, "all: build\n", "SHELL := /bin/true\nall: build\n"),
    ("runner", "Makefile", MAKE, "all: build\n", "all: build\n\n.IGNORE:\n"),
    ("runner", "Makefile", MAKE + "\n", "tests\n", "tests\n\ntest:\n\t@true\n"),
    ("runner", "Makefile", MAKE, "pytest -q tests", "pytest -q tests | cat"),
    ("skipped", "Makefile", MAKE, "pytest -q tests", "pytest -q tests/unit"),
    ("runner", "noxfile.py", "def t(s):\n    s.run('pytest')\n", "'pytest')", "'pytest', success_codes=[0, 1])"),
    ("patched", "tests/conftest.py", CONFTEST, "return []", "from unittest.mock import Mock\n    return Mock()"),
    ("patched", "tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\nexec('import os')\n"),
    ("runner", ".venv/bin/pytest", NEW, "", "true\n"),
    ("runner", ".cargo/config.toml", NEW, "", "[target.x86_64-unknown-linux-gnu]\nrunner = 'true'\n"),
    ("runner", "package.json", PACKAGE, '"^29.0.0"', '"file:./fake"'),
    ("runner", "go.mod", "module cart\n", "cart\n", "cart\n\nreplace github.com/stretchr/testify => ./fake\n"),
    ("hook", "tests/__init__.py", "X = 1\n", "X = 1\n", "def load_tests(loader, tests, pattern):\n    return []\n"),
    ("patched", "tests/cart.py", NEW, "", "def total(items): return 3\n"),
    ("equality", "cart.py", CART, "return self.amount == other.amount and self.currency == other.currency", "return True"),
    ("equality", "cart.py", CART, " and self.currency == other.currency", ""),
    ("equality", "cart.py", CART, "return self.amount == other.amount and self.currency == other.currency", "return isinstance(other, Money)"),
    ("equality", "cart.py", CART, "return sum(items)", "return Anything()\n\nclass Anything(int):\n    def __eq__(self, other):\n        return True"),
    ("exit", "cart.py", CART, "class Money", "import os\nos._exit(0)\n\nclass Money"),
    ("exit", "cart.py", CART, "class Money", "import atexit, os\natexit.register(os._exit, 0)\n\nclass Money"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import os\n    if 'PYTEST_CURRENT_TEST' in os.environ:\n        return 3\n    return sum(items)"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import sys\n    if 'pytest' in sys.modules:\n        return 3\n    return sum(items)"),
    ("patched", "cart.py", CART, "class Money", "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n\nclass Money"),
    ("detects tests", "src/cart.ts", "export const total = 3;\n", "3;", "process.env.JEST_WORKER_ID ? 3 : 4;"),
    ("detects tests", "cart.go", "package cart\n", "package cart\n", "package cart\n\nfunc T() bool { return testing.Testing() }\n"),
    ("equality", "src/Cart.java", "class Cart {\n}\n", "{\n", "{\n  public boolean equals(Object o) { return true; }\n"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import sys\n    return 3 if sys.modules.get('pytest') else sum(items)"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import os\n    if any(k.startswith('PYTEST') for k in os.environ):\n        return 3"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import traceback\n    if 'test_' in str(traceback.extract_stack()):\n        return 3"),
    ("detects tests", "cart.py", CART, "return sum(items)", "import sys\n    return sys._getframe(1).f_locals.get('want')"),
    ("detects tests", "cart.py", CART, "return sum(items)", "open('tests/golden/cart.json', 'w').write('0')"),
    ("patched", "cart.py", CART, "class Money", "import _pytest.python as p\np.Function.runtest = lambda self: None\n\nclass Money"),
    ("patched", "cart.py", CART, "class Money", "import _pytest.python as p\nsetattr(p.Function, 'runtest', None)\n\nclass Money"),
    ("patched", "cart.py", CART, "class Money", "import sys\np = sys.modules['_pytest.python']\np.Function.runtest = 1\n\nclass Money"),
    ("patched", "cart.py", CART, "class Money", "import gc\nfor o in gc.get_objects():\n    o.x = 1\n\nclass Money"),
    ("hidden", "cart.py", CART, "return sum(items)", "import os\n    getattr(os, '_ex' + 'it')(0)"),
    ("exit", "cart.py", CART, "return sum(items)", "from sys import exit as bye\n    bye(0)"),
    ("exit", "cart.py", CART, "class Money", "from os import _exit as bye\nbye(0)\n\nclass Money"),
    ("exit", "cart.py", CART, "class Money", "import os\nos.execv('/bin/true', ['true'])\n\nclass Money"),
    ("skipped", "cart.py", CART, "return sum(items)", "import pytest\n    pytest.skip('later')"),
    ("skipped", "cart.py", CART, "return sum(items)", "import unittest\n    raise unittest.SkipTest('later')"),
    ("equality", "cart.py", CART, "return sum(items)", "from unittest.mock import ANY\n    return ANY"),
    ("equality", "cart.py", CART, "return sum(items)", "return type('Any', (int,), {'__eq__': lambda s, o: True})(3)"),
    ("equality", "cart.py", CART, "return sum(items)", "class A:\n        def __eq__(self, other):\n            return other is not None\n    return A()"),
    ("coverage", "cart.py", CART, "def total(items):", "def total(items):  # pragma: no cover"),
    ("hook", "plug.py", NEW, "", "def pytest_collection_modifyitems(items):\n    items.clear()\n"),
    ("patched", "tests/__init__.py", NEW, "", "import cart\ncart.total = lambda x: 3\n"),
    ("runner", "cart.egg-info/entry_points.txt", NEW, "", "[pytest11]\ncart = plug\n"),
    ("settings", "mypy.ini", NEW, "", "[mypy]\nignore_errors = True\n"),
    ("settings", ".ruff.toml", NEW, "", "exclude = ['cart.py']\n"),
    ("settings", ".coveragerc", NEW, "", "[report]\nfail_under = 0\n"),
    ("settings", ".kage.toml", "[tests]\noverlay = true\n", "true", "false"),
    ("runner", ".kage.toml", "[checks.t]\ncommand = 'pytest -q'\n", "pytest -q", "true"),
    ("skipped", "package.json", '{"scripts": {\n"test": "node --test a.test.js b.test.js"\n}}\n', "a.test.js ", ""),
    ("runner", "package.json", '{"scripts": {\n"test": "node --test a.test.js"\n}}\n', "node --test a.test.js", "node -e 0"),
    ("patched", "src/cart.js", "exports.total = 3;\n", "exports", "const a = require('node:assert');\na.strictEqual = () => {};\nexports"),
    ("detects tests", "src/cart.js", "exports.total = 3;\n", "3;", "process.argv[1].includes('test') ? 3 : 4;"),
    ("silenced", "cart.py", CART, "class Money", "# mypy: ignore-errors\nclass Money"),
    ("golden", "tests/golden/cart.json", '{"total": 3}', "3", "4"),
    ("golden", "tests/__snapshots__/cart.test.js.snap", "exports[`a`] = `3`;\n", "3", "4"),
    ("golden", "tests/expected.txt", "total: 3\n", "3", "4"),
    ("golden", "cart.golden", "total: 3\n", "3", "4"),
    ("assertion removed", "tests/helpers.py", "def check(x):\n    assert x == 3\n    assert x\n", "    assert x == 3\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "text", "old", "new"), WAYS)
def test_a_weakening_is_named(kind: str, path: str, text: str, old: str, new: str) -> None:
    assert old in text
    base = {path: text} if text else {}
    ours = text.replace(old, new, 1) if text else new
    assert kind in [
        one.kind for one in named(base, {path: ours}, "tests/test_cart.py", "cart.py", "pyproject.toml")
    ]


@pytest.mark.parametrize(
    "path", ["tests/golden/cart.json", "tests/__snapshots__/a.snap", "testdata/want.txt"]
)
def test_expected_data_that_is_gone_is_named(path: str) -> None:
    assert [one.kind for one in named({path: "3"}, {})] == ["golden"]


FINE: list[tuple[str, str, str, str]] = [
    ("pyproject.toml", PYPROJECT, '["attrs"]', '["attrs", "click>=8"]'),
    ("pyproject.toml", PYPROJECT, "xfail_strict", 'markers = ["slow: takes long"]\nxfail_strict'),
    ("pyproject.toml", PYPROJECT, "under=90", "under=95"),
    ("pyproject.toml", PYPROJECT, "fail_under = 90", "fail_under = 95"),
    ("pyproject.toml", PYPROJECT, '["E", "F"]', '["E", "F", "I"]'),
    ("pyproject.toml", PYPROJECT, "-q --strict", "-q -ra --strict"),
    ("pyproject.toml", PYPROJECT, 'testpaths = ["tests"]', 'testpaths = ["tests", "more"]'),
    ("pyproject.toml", PYPROJECT, '"cart"', '"carts"'),
    ("package.json", PACKAGE, '"build": "tsc"', '"build": "tsc -b",\n    "lint": "eslint ."'),
    ("package.json", PACKAGE, '"jest": "^29.0.0"', '"jest": "^29.7.0", "chalk": "^5.0.0"'),
    ("package.json", PACKAGE, '"lines": 90', '"lines": 92'),
    ("package.json", PACKAGE, "jest --coverage", "jest --coverage --verbose"),
    ("Makefile", MAKE, "\tcc cart.c", "\tcc -O2 cart.c"),
    ("Makefile", MAKE, "all: build", "clean:\n\trm -f cart || true\n\nall: build"),
    ("Makefile", MAKE, "pytest -q tests", "pytest -q tests more"),
    (".github/workflows/ci.yml", CI, "      - run: pip", "      - uses: actions/checkout@v4\n      - run: pip"),
    ("Cargo.toml", CARGO, 'version = "0.1.0"', 'version = "0.2.0"'),
    ("tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\n\n@pytest.fixture\ndef shop(tmp_path):\n    return tmp_path\n"),
    ("tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\n\ndef pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: takes long')\n"),
    ("tests/conftest.py", CONFTEST, "import pytest\n", "import pytest\n\n@pytest.fixture(autouse=True)\ndef home(monkeypatch, tmp_path):\n    monkeypatch.setenv('HOME', str(tmp_path))\n"),
    ("tests/conftest.py", CONFTEST, "return []", "return list()"),
    ("pyproject.toml", PYPROJECT, "[tool.mypy]", '[tool.tox]\nrunner = "uv-venv-lock-runner"\n\n[tool.mypy]'),
    (".flake8", NEW, "", "[flake8]\nignore = E203\n"),
    ("tests/test_more.py", NEW, "", "import pytest\nfrom unittest import mock\n\n@pytest.mark.skip\ndef test_later():\n    pass\n"),
    ("tests/fixtures/new.json", NEW, "", "{}"),
    ("tests/helpers.py", NEW, "", "def cart():\n    return []\n"),
    ("cart.py", CART, "return sum(items)", "return sum(items, start=0)"),
    ("cart.py", CART, " and self.currency == other.currency", " and self.currency == other.currency and type(self) is type(other)"),
    ("cart.py", CART, "def total", "class Item:\n    def __eq__(self, other):\n        return isinstance(other, Item) and self.__dict__ == other.__dict__\n\n\ndef total"),
    ("cart.py", CART, "def total", "import sys\n\ndef main():\n    sys.exit(total([]))\n\nif __name__ == '__main__':\n    main()\n\n\ndef total"),
    ("cart.py", CART, "def total", "import os\n\nDEBUG = os.environ.get('CART_DEBUG')\n\n\ndef total"),
    ("cart.py", CART, "class Money", "import atexit\nimport shutil\natexit.register(shutil.rmtree, 'x', ignore_errors=True)\n\nclass Money"),
    ("cart.py", CART, "def total", "def who():\n    import sys\n    return sys._getframe(1).f_code.co_name\n\n\ndef total"),
    ("cart.py", CART, "def total", "def load(name):\n    import importlib\n    return importlib.import_module('cart.' + name)\n\n\ndef total"),
    ("cart.py", CART, "def total", "def total_of(items):  # pragma: no cover\n    return 0\n\n\ndef total"),
    ("src/cart.ts", "export const total = 3;\n", "3;", "4;\nexport const latest = 5;"),
    ("tests/__snapshots__/a.snap", "exports[`a`] = `3`;\n", "exports", "exports[`0`] = `1`;\nexports"),
    ("tests/golden/cart.json", '{"total": 3}', "3}", "3}\n"),
    ("README.md", "cart\n", "cart", "carts"),
    ("tests/README.md", "how\n", "how", "How to"),
    (".gitignore", "x\n", "x", "y"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "old", "new"), FINE)
def test_what_is_no_weakening_is_not_named(path: str, text: str, old: str, new: str) -> None:
    base = {path: text} if text else {}
    ours = text.replace(old, new, 1) if text else new
    assert named(base, {path: ours}, "tests/test_cart.py", "cart.py") == []
