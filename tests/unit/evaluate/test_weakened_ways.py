"""More ways to let worse code pass, by what they change: each is named. And changes like them that are honest."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.evaluate.guard.testfiles import in_the_way
from kage_nvim.evaluate.guard.weakened import apart, found
from tests.unit.evaluate.test_overlay import Store
from tests.unit.evaluate.test_weakened import named

TEST = """\
import asyncio
import pytest
from hypothesis import given, settings, strategies as st
from shop.cart import Cart, discount, fetch

HERE = Path(__file__).parent
PERCENTS = [(100, 10, 90), (50, 50, 25)]
later = pytest.mark.slow


@pytest.mark.parametrize("total, percent, wanted", PERCENTS)
def test_discount(total, percent, wanted):
    assert discount(total, percent) == wanted


def test_near():
    assert discount(0.3, 10) == pytest.approx(0.27, abs=1e-9)


def test_names(cart):
    assert cart.names() == ["tea", "cup"]
    assert "milk" not in cart.names()


def test_refuses():
    with pytest.raises(ValueError, match="out of range"):
        discount(1, -1)


@given(st.text(min_size=1, max_size=40))
def test_slug(text):
    assert " " not in slug(text)


class TestRun(unittest.TestCase):
    def test_fetch(self):
        self.assertEqual(asyncio.run(fetch(1)), 1)
"""
TESTS = "tests/test_shop.py"
HELPER = "TOLERANCE = 1e-6\n\n\ndef same(one, two):\n    return one.split() == two.split()\n"
CONFTEST = "import pytest\n\n@pytest.fixture\ndef cart():\n    made = Cart()\n    return made\n"
PRODUCT = """\
import os
from dataclasses import dataclass

@dataclass
class Money:
    amount: float
    currency: str

def discount(total, percent):
    return total * (100 - percent) / 100
"""
CHECK = "    assert discount(total, percent) == wanted"
PYTHON: list[tuple[str, str, str, str, str]] = [
    # what it is called, where, the file, what stood there, what stands there (after all: what is added)
    ("not collected", TESTS, TEST, "", "\n\nglobals().pop('test_near')\n"),
    ("not collected", TESTS, TEST, "", "\n\ndelattr(TestRun, 'test_fetch')\n"),
    ("not collected", TESTS, TEST, "", "\n\nfrom tests.easy import test_near\n"),
    ("not collected", TESTS, TEST, "", "\n\ndef test_near():\n    assert discount(0.3, 0) == 0.3\n"),
    ("not collected", TESTS, TEST, "", "\n\nfor name in dir():\n    if 'near' in name:\n        del globals()[name]\n"),
    ("skipped", TESTS, TEST, "def test_near():\n    ", "if sys.platform == 'win32':\n  def test_near():\n    "),
    ("skipped", TESTS, TEST.replace("mark.slow", "mark.skip"), "def test_near", "@later\ndef test_near"),
    ("skipped", TESTS, TEST, "def test_near", "@pytest.mark.skipif(sys.version_info > (3,), reason='')\ndef test_near"),
    ("tautology", TESTS, TEST, CHECK, "    wanted = discount(total, percent)\n" + CHECK),
    ("tautology", TESTS, TEST, CHECK, "    assert (wanted := discount(total, percent)) == wanted"),
    ("patched", TESTS, TEST, CHECK, "    discount = lambda *_: wanted\n" + CHECK),
    ("patched", TESTS, TEST, CHECK, "    def discount(*_):\n        return wanted\n\n" + CHECK),
    ("patched", TESTS, TEST, "test_near():\n", "test_near(monkeypatch):\n    monkeypatch.setitem(globals(), 'discount', len)\n"),
    ("loosened", TESTS, TEST, 'cart.names() == ["tea", "cup"]', 'cart.names()[:1] == ["tea"]'),
    ("loosened", TESTS, TEST, 'cart.names() == ["tea", "cup"]', 'cart.names() == ["tea", ANY]'),
    ("loosened", TESTS, TEST, 'match="out of range"', 'match=".*"'),
    ("loosened", TESTS, TEST, 'match="out of range"', 'match="range"'),
    ("expectation", TESTS, TEST, '"milk" not in', '"zzz" not in'),
    ("tolerance", TESTS, TEST, "abs=1e-9", "abs=1e-9, nan_ok=True"),
    ("expectation", TESTS, TEST, "(50, 50, 25)", "(50, 50, 90)"),
    ("fewer cases", TESTS, TEST, "wanted\", PERCENTS", "wanted\", random.sample(PERCENTS, 1)"),
    ("fewer cases", TESTS, TEST, "", "\n\nPERCENTS.clear()\n"),
    ("fewer cases", TESTS, TEST, "@given(", "@settings(max_examples=1)\n@given("),
    ("fewer cases", TESTS, TEST, "@given(", "@settings(phases=[])\n@given("),
    ("fewer cases", TESTS, TEST, "max_size=40", "max_size=1"),
    ("fewer cases", TESTS, TEST, "max_size=40)", "max_size=40).filter(str.isalpha)"),
    ("fewer cases", TESTS, TEST, "st.text(min_size=1, max_size=40)", "st.just('a')"),
    ("guarded", TESTS, TEST, '    assert " " not in', '    assume(" " not in text)\n    assert " " not in'),
    ("patched", TESTS, TEST, "", "\n\ndef len(_):\n    return 2\n"),
    ("patched", TESTS, TEST, "    def test_fetch", "    failureException = OSError\n\n    def test_fetch"),
    ("patched", TESTS, TEST, "    def test_fetch", "    def run(self, result=None):\n        pass\n\n    def test_fetch"),
    ("patched", TESTS, TEST, "from shop.cart import Cart, discount, fetch", "from shop.cart import Cart, fetch\nfrom tests.fakes import discount"),
    ("tautology", "tests/helpers.py", HELPER, "one.split() == two.split()", "True"),
    ("loosened", "tests/helpers.py", HELPER, "one.split() == two.split()", "len(one.split()) == len(two.split())"),
    ("tolerance", "tests/helpers.py", HELPER, "1e-6", "float('inf')"),
    ("patched", "tests/conftest.py", CONFTEST, "    return made", "    made.total = lambda: 3\n    return made"),
    ("patched", "tests/conftest.py", CONFTEST, "    made = Cart()\n", "    class Fixed(Cart):\n        total = 3\n\n    made = Fixed()\n"),
    ("hook", "tests/conftest.py", CONFTEST, "", "\ndef pytest_itemcollected(item):\n    item.runtest = lambda: None\n"),
    ("hook", "tests/conftest.py", CONFTEST, "", "\ndef pytest_pycollect_makeitem(name):\n    return []\n"),
    ("exit", "shop/cart.py", PRODUCT, "    return total *", "    quit()\n    return total *"),
    ("exit", "shop/cart.py", PRODUCT, "    return total *", "    os.execv('/bin/true', ['true'])\n    return total *"),
    ("exit", "shop/cart.py", PRODUCT, "    return total *", "    os.kill(os.getpid(), 9)\n    return total *"),
    ("exit", "shop/cart.py", PRODUCT, "", "\nimport ctypes\n\nctypes.CDLL(None).exit(0)\n"),
    ("hidden", "shop/cart.py", PRODUCT, "", "\nimport base64\n\nexec(base64.b64decode('cGFzcw=='))\n"),
    ("patched", "shop/cart.py", PRODUCT, "", "\nos.environ['PYTHONOPTIMIZE'] = '2'\n"),
    ("patched", "shop/cart.py", PRODUCT, "", "\n__builtins__['print'] = None\n"),
    ("equality", "shop/cart.py", PRODUCT, "    currency: str\n", "    currency: str\n\n    def __eq__(self, other):\n        return self.amount == other.amount\n"),
    ("equality", "shop/cart.py", PRODUCT, "    currency: str\n", "    currency: str\n\n    def __ne__(self, other):\n        return True\n"),
    ("equality", "shop/cart.py", PRODUCT, "", "\nclass Near(float):\n    def __le__(self, other):\n        return True\n"),
]  # fmt: skip
FILES = ["shop/cart.py", "tests/fakes.py", TESTS]


@pytest.mark.parametrize(
    ("kind", "path", "text", "old", "new"), PYTHON, ids=[f"{n}-{w[0]}" for n, w in enumerate(PYTHON)]
)
def test_a_way_in_python_is_named(kind: str, path: str, text: str, old: str, new: str) -> None:
    assert old in text
    ours = text.replace(old, new, 1) if old else text + new
    assert kind in [one.kind for one in named({path: text}, {path: ours}, *FILES)]


JEST = """\
import { Cart } from "./cart";
describe("cart", () => {
  it("adds", async () => {
    expect(cart.total()).toBe(3);
    expect(cart.items).toEqual([["tea", 3]]);
    await expect(load(cart)).resolves.toBe(3);
  });
  it.each([["A B", "a-b"], ["C", "c"]])("slug", (given, wanted) => { expect(slug(given)).toBe(wanted); });
});
"""
GO = """\
package shop

import "testing"

func TestTotal(t *testing.T) {
	if err := c.Add(-1); err == nil {
		t.Error("no error")
	}
	require.NoError(t, c.Add(2))
	assert.Equal(t, 2, c.Total())
	for _, tt := range []struct{ name string; want int }{{"one", 1}, {"two", 2}} {
		assert.Equal(t, tt.want, c.Find(tt.name))
	}
}
"""
RUST = """\
pub fn total(items: &[i64]) -> i64 { items.iter().sum() }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "empty")]
    fn refuses() {
        slug("").unwrap();
    }

    #[test]
    fn table() {
        assert_eq!(slug("A B").unwrap(), "a-b");
        for (given, wanted) in [("A", "a"), ("d", "d")] {
            assert_eq!(slug(given).unwrap(), wanted);
        }
    }
}
"""
JAVA = """\
class CartTest {
    @BeforeEach
    void setUp() { cart = new Cart(); }

    @Test
    void adds() {
        assertEquals(3, cart.total());
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "30, 30"})
    void many(int price, int wanted) { assertEquals(wanted, cart.add(price)); }
}
"""
OTHERS: list[tuple[str, str, str, str, str]] = [
    ("skipped", "a.test.ts", JEST, '  it("adds"', '  return;\n  it("adds"'),
    ("skipped", "a.test.ts", JEST, '  it("adds"', '  [].forEach(() => it("adds"'),
    ("assertion removed", "a.test.ts", JEST, "expect(cart.total())", "() => expect(cart.total())"),
    ("swallowed", "a.test.ts", JEST, "await expect", "expect"),
    ("swallowed", "a.test.ts", JEST, "expect(cart.total()).toBe(3);", "setTimeout(() => { expect(cart.total()).toBe(3); }, 9);"),
    ("loosened", "a.test.ts", JEST, '[["tea", 3]]', "expect.arrayContaining([])"),
    ("loosened", "a.test.ts", JEST, "expect(cart.total()).toBe(3)", 'expect(typeof cart.total()).toBe("number")'),
    ("tautology", "a.test.ts", JEST, "cart.total()).toBe(3)", "cart.total() === 3 || true).toBe(true)"),
    ("expectation", "a.test.ts", JEST, '["A B", "a-b"]', '["A B", "c"]'),
    ("retries", "a.test.ts", JEST, 'describe("cart"', 'jest.retryTimes(5);\ndescribe("cart"'),
    ("patched", "a.test.ts", JEST, "describe", "const expect: any = () => new Proxy({}, {});\ndescribe"),
    ("patched", "a.test.ts", JEST, '  it("adds"', '  jest.spyOn(cart, "total").mockReturnValue(3);\n  it("adds"'),
    ("exit", "lib/a.js", "exports.a = 1;\n", "1;", "() => process.exit(0);"),
    ("equality", "lib/a.js", "exports.a = 1;\n", "1;", "{ asymmetricMatch: () => true };"),
    ("not collected", "a_test.go", "//go:build linux\n" + GO, "//go:build linux", "//go:build ignore"),
    ("assertion removed", "a_test.go", GO, '	if err := c.Add(-1); err == nil {\n		t.Error("no error")\n	}\n', "	_ = c.Add(-1)\n"),
    ("assertion removed", "a_test.go", GO, "require.NoError(t, c.Add(2))", "c.Add(2)"),
    ("expectation", "a_test.go", GO, '{"two", 2}', '{"two", 1}'),
    ("guarded", "a_test.go", GO, "		assert.Equal(t, tt", '		if tt.name == "two" {\n			continue\n		}\n		assert.Equal(t, tt'),
    ("exit", "cart.go", "package shop\n", "shop\n", 'shop\n\nimport "os"\n\nfunc init() { os.Exit(0) }\n'),
    ("tautology", "src/lib.rs", RUST, '        slug("").unwrap();', '        slug("").unwrap();\n        panic!("empty");'),
    ("fewer cases", "src/lib.rs", RUST, '("d", "d")]', '("d", "d")].into_iter().take(0)'),
    ("guarded", "src/lib.rs", RUST, 'assert_eq!(slug("A B").unwrap(), "a-b");', 'if let Ok(x) = slug("A B") { assert_eq!(x, "a-b"); }'),
    ("patched", "src/lib.rs", RUST, "    use super::*;\n", "    use super::slug;\n    fn total(_: &[i64]) -> i64 { 3 }\n"),
    ("exit", "src/lib.rs", RUST, "items.iter().sum()", "std::process::exit(0)"),
    ("silenced", "src/lib.rs", RUST, "pub fn", "#![allow(unused, clippy::all)]\npub fn"),
    ("expectation", "src/test/java/CartTest.java", JAVA, '"30, 30"', '"30, 1"'),
    ("expectation", "src/test/java/CartTest.java", JAVA, "assertEquals(3,", "assertEquals(4,"),
    ("patched", "src/test/java/CartTest.java", JAVA, "new Cart()", "mock(Cart.class)"),
    ("patched", "src/test/java/CartTest.java", JAVA, "new Cart()", "new Cart() { int total() { return 3; } }"),
    ("not collected", "src/test/java/CartTest.java", JAVA, "class CartTest", "abstract class CartTest"),
    ("swallowed", "src/test/java/CartTest.java", JAVA, "assertEquals(3, cart.total());", "new Thread(() -> assertEquals(3, cart.total())).start();"),
    ("exit", "src/main/java/Cart.java", "class Cart { int total() { return 3; } }\n", "return 3;", "System.exit(0);"),
    ("swallowed", "tests/smoke.sh", "#!/bin/sh\nset -e\ntest \"$(./a)\" = 3\n", "set -e\n", ""),
    ("runner", "package.json", '{"scripts": {\n  "lint": "eslint ."\n}}\n', "eslint .", "echo ok"),
    ("settings", "eslint.config.js", 'module.exports = [{ rules: { eqeqeq: "error" } }];\n', '"error"', '"off"'),
    ("settings", "vitest.config.ts", 'export default { test: { include: ["src/**"] } };\n', "include", 'exclude: ["src/a*"], include'),
    ("settings", ".mocharc.json", '{"forbidOnly": true}\n', "true", "false"),
    ("runner", "Makefile", "test:\n\tgo test ./...\n", "test:", "-include local.mk\ntest:"),
    ("skipped", "Makefile", "test:\n\tgo test ./...\n", "./...", "./cmd/..."),
    ("settings", "Cargo.toml", '[package]\nname = "a"\n', '"a"\n', '"a"\n\n[lints.rust]\nwarnings = "allow"\n'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "text", "old", "new"), OTHERS, ids=[f"{n}-{w[1]}" for n, w in enumerate(OTHERS)]
)
def test_a_way_in_another_language_is_named(kind: str, path: str, text: str, old: str, new: str) -> None:
    assert old in text
    assert kind in [
        one.kind for one in named({path: text}, {path: text.replace(old, new, 1)}, path, "a.test.ts")
    ]


HONEST: list[tuple[str, str, str, str]] = [
    (TESTS, TEST, '"milk" not in cart.names()', '"milk" not in list(cart.names())'),
    (TESTS, TEST, "max_size=40", "max_size=80"),
    (TESTS, TEST, 'match="out of range"', 'match="percent out of range"'),
    (TESTS, TEST, "test_near():\n", "test_near():\n    check = lambda x: x\n    assert check(1) == 1\n"),
    (TESTS, TEST, CHECK, "    found = discount(total, percent)\n    assert found == wanted"),
    ("tests/cases.json", "[1, 2]", "2]", "2, 3]"),
    ("shop/cart.py", PRODUCT, "    currency: str\n", "    currency: str\n\n    def __eq__(self, other):\n        return (self.amount, self.currency) == (other.amount, other.currency)\n"),
    ("shop/cart.py", PRODUCT, "import os\n", "import os\n\nDEBUG = os.environ.get('SHOP_DEBUG')\n"),
    ("a.test.ts", JEST, "toEqual", "toStrictEqual"),
    ("bin/cli.js", "main();\n", "main();", "if (!x) process.exit(0);\nmain();"),
    ("cmd/a/main.go", "package main\n", "main\n", 'main\n\nimport "os"\n\nfunc main() { os.Exit(0) }\n'),
    ("a_test.go", GO, '{"two", 2}', '{"two", 2}, {"three", 3}'),
    ("src/lib.rs", RUST, '("d", "d")', '("d", "d"), ("E", "e")'),
    ("src/test/java/CartTest.java", JAVA, "assertEquals(3, cart.total())", 'assertEquals(3, cart.total(), "sum")'),
    ("package.json", '{"scripts": {\n  "lint": "eslint ."\n}}\n', "eslint .", "biome check ."),
    ("Makefile", "test:\n\tgo test ./...\n", "go test", "go test -v"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "old", "new"), HONEST)
def test_an_honest_change_is_not_named(path: str, text: str, old: str, new: str) -> None:
    assert old in text
    assert not named({path: text}, {path: text.replace(old, new, 1)}, path)


@pytest.mark.parametrize(
    ("path", "stands"),
    [("src/sitecustomize.py", True), ("src/pytest/__init__.py", True), ("mock/server.js", False),
     ("tests/mock.py", False), ("src/test/resources/junit-platform.properties", True),
     ("vendor/github.com/stretchr/testify/assert/a.go", True), ("fake.dist-info/entry_points.txt", True),
     ("src/main/java/org/junit/jupiter/api/Assertions.java", True), ("src/pytest_shop/plugin.py", False)],
)  # fmt: skip
def test_files_in_the_place_of_what_runs_tests_are_known(path: str, stands: bool) -> None:
    known = ["src/shop/cart.py", "tests/test_a.py", "mock/index.js", "src/pytest_shop/__init__.py"]
    assert in_the_way(path, known) is stands


def test_a_module_that_tests_compare_with_cannot_be_replaced() -> None:
    assert [one.path for one in named({}, {"math.py": "", "numpy/__init__.py": "", "shop/math.py": ""})] == [
        "math.py", "numpy/__init__.py",
    ]  # fmt: skip
    assert not named({}, {"numpy/linalg.py": "", "numpy/__init__.py": ""}, "numpy/core.py")


def test_a_change_is_read_apart_and_one_that_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    base, tree = (store.tree({TESTS: text}) for text in (TEST, TEST.replace(CHECK, "    pass")))
    told = apart.weakened(store, base, tree)
    assert told == found.weakened(store, base, tree) and [one.kind for one in told] == ["assertion removed"]
    assert apart.weakened(store, base, base) == []
    monkeypatch.setattr(apart, "SECONDS", 0.0)
    assert [one.kind for one in apart.weakened(store, base, tree)] == ["unread"]
    monkeypatch.setattr(found, "MOST", 100)
    assert [one.kind for one in found.weakened(store, base, tree)] == ["unread"]
