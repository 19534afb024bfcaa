"""Weakened tests in Python are named, whatever the way; what is no weakening is not."""

from __future__ import annotations

import pytest

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.compare import compare

PATH = "tests/test_cart.py"
BASE = """\
import pytest
from cart import Cart, total

CASES = [(1, 1), (2, 4), (3, 9)]


def test_total():
    cart = Cart()
    cart.add("tea", 3)
    assert total(cart) == 3


@pytest.mark.parametrize("given, wanted", CASES)
def test_square(given, wanted):
    assert given * given == wanted


def test_near():
    assert total(Cart(0.1, 0.2)) == pytest.approx(0.3, abs=1e-9)


def test_refuses():
    with pytest.raises(ValueError, match="negative"):
        Cart().add("tea", -1)


class TestCart:
    def test_empty(self):
        assert total(Cart()) == 0
        assert "tea" not in Cart()
"""
OTHER = """\
import unittest
import cart


class CartTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(cart.total([1, 2]), 3)
        self.assertAlmostEqual(cart.mean([1, 2]), 1.5, places=7)
        for price in range(10):
            self.assertEqual(cart.total([price]), price)
"""


def named(base: dict[str, str], ours: dict[str, str], *paths: str) -> list[Weakening]:
    """What is named of a change of these files."""
    before, after = ({p: text.encode() for p, text in side.items()} for side in (base, ours))
    settings = b"[tool.pytest.ini_options]\n\n[tool.mypy]\n\n[tool.ruff]\n\n[tool.coverage.report]\n"
    around = {"pyproject.toml": settings} if "pyproject.toml" in paths else {}
    return compare(before, after, around=around, paths={*base, *paths})


def edited(old: str, new: str, text: str = BASE) -> tuple[dict[str, str], dict[str, str]]:
    assert old in text
    return {PATH: text}, {PATH: text.replace(old, new, 1)}


TOTAL = "    assert total(cart) == 3\n"
WAYS: list[tuple[str, str, str]] = [
    # what it is called, what stood there, what stands there
    ("deleted", BASE[BASE.index("def test_total") : BASE.index("@pytest")], ""),
    ("skipped", "def test_total", "@pytest.mark.skip\ndef test_total"),
    ("skipped", "def test_total", "@pytest.mark.skip(reason='flaky')\ndef test_total"),
    ("skipped", "def test_total", "@pytest.mark.skipif(True, reason='x')\ndef test_total"),
    ("skipped", "def test_total", "import unittest\n@unittest.skip('later')\ndef test_total"),
    ("skipped", "    cart = Cart()\n", "    pytest.skip('later')\n    cart = Cart()\n"),
    ("skipped", "    cart = Cart()\n", "    cart = pytest.importorskip('carts').Cart()\n"),
    ("skipped", "    cart = Cart()\n", "    import unittest\n    raise unittest.SkipTest\n"),
    ("skipped", "CASES", "pytestmark = pytest.mark.skip\nCASES"),
    ("skipped", "CASES", "pytest.skip('all', allow_module_level=True)\nCASES"),
    ("skipped", "class TestCart:", "class TestCart:\n    __test__ = False\n"),
    ("skipped", "class TestCart:", "@pytest.mark.skip\nclass TestCart:"),
    ("skipped", "(2, 4)", "pytest.param(2, 4, marks=pytest.mark.skip)"),
    ("xfail", "def test_total", "@pytest.mark.xfail\ndef test_total"),
    ("xfail", "def test_total", "@pytest.mark.xfail(strict=False)\ndef test_total"),
    ("xfail", TOTAL, "    pytest.xfail('later')\n" + TOTAL),
    ("not collected", "def test_total", "def check_total"),
    ("not collected", "def test_total", "def _test_total"),
    ("not collected", "class TestCart", "class CartChecks"),
    ("not collected", "class TestCart:", "class TestCart:\n    def __init__(self):\n        self.x = 1\n"),
    ("not collected", "def test_near", "@pytest.fixture\ndef test_near"),
    ("not collected", "def test_near", "def test_total():\n    pass\n\n\ndef test_near"),
    ("not collected", BASE[-1:], "\n\ndel test_total\n"),
    ("not collected", "class TestCart", "test_total = None\n\n\nclass TestCart"),
    ("not collected", "class TestCart", "test_total.__test__ = False\n\n\nclass TestCart"),
    ("not run", "def test_total", "async def test_total"),
    ("not collected", TOTAL, TOTAL + "    yield\n"),
    ("not run", "def test_total", "def quiet(f):\n    def g():\n        pass\n    return g\n\n@quiet\ndef test_total"),
    ("assertion removed", TOTAL, ""),
    ("assertion removed", TOTAL, "    total(cart)\n"),
    ("assertion removed", TOTAL, "    # assert total(cart) == 3\n    pass\n"),
    ("assertion removed", TOTAL, "    print(total(cart) == 3)\n"),
    ("assertion removed", '        assert "tea" not in Cart()\n', ""),
    ("assertion removed", TOTAL, "    return\n" + TOTAL),
    ("assertion removed", TOTAL, "    if False:\n    " + TOTAL),
    ("assertion removed", TOTAL, "    while 0:\n    " + TOTAL),
    ("assertion removed", TOTAL, "    for _ in []:\n    " + TOTAL),
    ("assertion removed", TOTAL, "    def check():\n    " + TOTAL),
    ("tautology", TOTAL, "    assert True\n"),
    ("tautology", TOTAL, "    assert total(cart) == 3 or True\n"),
    ("tautology", TOTAL, "    assert total(cart) == total(cart)\n"),
    ("tautology", TOTAL, "    assert (total(cart) == 3, 'wrong')\n"),
    ("tautology", TOTAL, "    assert 'total'\n"),
    ("tautology", TOTAL, "    wanted = total(cart)\n    assert total(cart) == wanted\n"),
    ("tautology", TOTAL, "    assert 3 == 3\n"),
    ("tautology", TOTAL, "    assert len([cart]) >= 0\n"),
    ("tautology", TOTAL, "    assert not False\n"),
    ("tautology", TOTAL, "    assert lambda: total(cart) == 3\n"),
    ("loosened", TOTAL, "    assert total(cart) is not None\n"),
    ("loosened", TOTAL, "    assert total(cart) >= 3\n"),
    ("loosened", TOTAL, "    assert total(cart)\n"),
    ("loosened", TOTAL, "    assert total(cart) in (3, 4)\n"),
    ("loosened", TOTAL, "    assert total(cart) == 3 or total(cart) == 4\n"),
    ("loosened", TOTAL, "    assert isinstance(total(cart), int)\n"),
    ("loosened", TOTAL, "    assert total(cart) == pytest.approx(3)\n"),
    ("loosened", TOTAL, "    assert str(total(cart)).startswith('3')\n"),
    ("loosened", TOTAL, "    assert total(cart) != 4\n"),
    ("loosened", TOTAL, "    from unittest.mock import ANY\n    assert total(cart) == ANY\n"),
    ("loosened", TOTAL, "    assert any(total(cart) == n for n in range(9))\n"),
    ("loosened", TOTAL, "    assert cart is not None\n"),
    ("loosened", "ValueError, match", "Exception, match"),
    ("loosened", "ValueError, match=\"negative\"", "ValueError"),
    ("loosened", "ValueError, match=\"negative\"", "(ValueError, TypeError, KeyError)"),
    ("tolerance", "abs=1e-9", "abs=0.5"),
    ("tolerance", "abs=1e-9", "rel=1e-1"),
    ("expectation", "== 3\n", "== 4\n"),
    ("expectation", "== 3\n", "== 3.0001\n"),
    ("fewer cases", "(2, 4), (3, 9)", "(2, 4)"),
    ("fewer cases", '"given, wanted", CASES', '"given, wanted", CASES[:1]'),
    ("fewer cases", '"given, wanted", CASES', '"given, wanted", [c for c in CASES if c[0] != 3]'),
    ("swallowed", TOTAL, "    try:\n    " + TOTAL + "    except AssertionError:\n        pass\n"),
    ("swallowed", TOTAL, "    try:\n    " + TOTAL + "    except:\n        print('wrong')\n"),
    ("swallowed", TOTAL, "    import contextlib\n    with contextlib.suppress(Exception):\n    " + TOTAL),
    ("guarded", TOTAL, "    if total(cart):\n    " + TOTAL),
    ("guarded", TOTAL, "    import os\n    if os.environ.get('CI'):\n        return\n" + TOTAL),
    ("exit", TOTAL, "    import os\n    os._exit(0)\n" + TOTAL),
    ("exit", TOTAL, "    pytest.exit('done', 0)\n" + TOTAL),
    ("exit", "CASES", "import atexit, os\natexit.register(lambda: os._exit(0))\nCASES"),
    ("retries", "def test_total", "@pytest.mark.flaky(reruns=5)\ndef test_total"),
    ("timeout", "def test_total", "@pytest.mark.timeout(600)\ndef test_total"),
    ("patched", TOTAL, "    import cart as c\n    c.total = lambda _: 3\n" + TOTAL),
    ("patched", "def test_total():\n", "def test_total(monkeypatch):\n    monkeypatch.setattr('cart.total', lambda c: 3)\n"),
    ("patched", "CASES", "import cart\ncart.total = lambda c: 3\nCASES"),
    ("patched", "CASES", "import sys, types\nsys.modules['cart'] = types.ModuleType('cart')\nCASES"),
    ("patched", "def test_total", "from unittest import mock\n@mock.patch('cart.total', return_value=3)\ndef test_total"),
    # kinds that a list of them may leave out
    ("swallowed", TOTAL, "    try:\n    " + TOTAL + "    finally:\n        return\n"),
    ("swallowed", TOTAL, "    with pytest.raises(AssertionError):\n    " + TOTAL),
    ("guarded", TOTAL, "    try:\n        found = total(cart)\n    except Exception:\n        return\n    assert found == 3\n"),
    ("tautology", TOTAL, "    assert total(cart) == 3 if False else True\n"),
    ("tautology", '        Cart().add("tea", -1)\n', '        raise ValueError("negative")\n'),
    ("loosened", TOTAL, "    assert round(total(cart)) == 3\n"),
    ("loosened", TOTAL, "    assert len(str(total(cart))) == 1\n"),
    ("loosened", TOTAL, "    found = 3\n    assert found == 3\n"),
    ("loosened", TOTAL, "    assert abs(total(cart) - 3) < 100\n"),
    ("patched", '    cart.add("tea", 3)\n', "    cart.total = 3\n"),
    ("patched", "    cart = Cart()\n", "    from unittest.mock import Mock\n    cart = Mock()\n"),
    ("patched", "from cart import Cart, total\n", "from cart import Cart\n\ndef total(cart):\n    return 3\n"),
    ("expectation", "(3, 9)", "(3, 10)"),
    ("fewer cases", "(1, 1), (2, 4), (3, 9)", "(1, 1), (1, 1), (1, 1)"),
    ("seed", "CASES", "import random\nrandom.seed(1)\nCASES"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "old", "new"), WAYS, ids=[f"{n}-{w[0]}" for n, w in enumerate(WAYS)])
def test_a_weakened_test_is_named(kind: str, old: str, new: str) -> None:
    if old == BASE[-1:]:
        base, ours = {PATH: BASE}, {PATH: BASE + new}
    else:
        base, ours = edited(old, new)
    assert kind in [one.kind for one in named(base, ours)]


UNITTEST: list[tuple[str, str, str]] = [
    ("loosened", "assertEqual(cart.total([1, 2]), 3)", "assertTrue(cart.total([1, 2]))"),
    ("loosened", "assertEqual(cart.total([1, 2]), 3)", "assertIsNotNone(cart.total([1, 2]))"),
    ("loosened", "assertEqual(cart.total([1, 2]), 3)", "assertAlmostEqual(cart.total([1, 2]), 3, delta=2)"),
    ("loosened", "assertEqual(cart.total([1, 2]), 3)", "assertGreater(cart.total([1, 2]), 0)"),
    ("tautology", "assertEqual(cart.total([1, 2]), 3)", "assertTrue(True)"),
    ("tautology", "assertEqual(cart.total([1, 2]), 3)", "assertEqual(3, 3)"),
    ("tautology", "assertEqual(cart.total([1, 2]), 3)", "assertTrue(3, cart.total([1, 2]))"),
    ("tolerance", "places=7", "places=1"),
    ("tolerance", "places=7", "delta=1"),
    ("fewer cases", "range(10)", "range(1)"),
    ("assertion removed", "self.assertEqual(cart.total([1, 2]), 3)", "cart.total([1, 2])"),
    ("xfail", "    def test_total", "    @unittest.expectedFailure\n    def test_total"),
    ("skipped", "def test_total(self):", "def test_total(self):\n        self.skipTest('later')"),
    (
        "skipped",
        "    def test_total",
        "    def setUp(self):\n        self.skipTest('x')\n\n    def test_total",
    ),
    ("not collected", "unittest.TestCase", "object"),
    ("patched", "    def test_total", "    def assertEqual(self, *_):\n        pass\n\n    def test_total"),
    ("patched", "import cart\n", "import cart\nunittest.TestCase.assertEqual = lambda *_: None\n"),
    ("expectation", "[1, 2]), 3)", "[1, 2]), 12)"),
    ("expectation", "cart.total([1, 2]), 3)", "cart.total([3]), 3)"),
]


@pytest.mark.parametrize(("kind", "old", "new"), UNITTEST)
def test_a_weakened_unittest_is_named(kind: str, old: str, new: str) -> None:
    assert kind in [one.kind for one in named(*edited(old, new, OTHER))]


FINE: list[tuple[str, str]] = [
    # a test more, a claim more, more values
    ("class TestCart", "def test_more():\n    assert total(Cart(1)) == 1\n\n\nclass TestCart"),
    (TOTAL, TOTAL + "    assert len(cart) == 1\n"),
    ("(3, 9)]", "(3, 9), (4, 16)]"),
    ("        assert \"tea\" not in Cart()\n", "        assert list(Cart()) == []\n        assert 'tea' not in Cart()\n"),
    # stronger
    ('assert "tea" not in Cart()', "assert 'tea' not in Cart() and 'coffee' not in Cart()"),
    ("abs=1e-9", "abs=1e-12"),
    ("ValueError, match=\"negative\"", "ValueError, match=\"negative price\""),
    # another way of writing
    ("assert total(cart) == 3", "assert 3 == total(cart)"),
    ("assert total(cart) == 3", "assert (\n        total(cart)\n        == 3\n    )"),
    ("assert total(cart) == 3", "assert total(cart) == 3, 'the total is wrong'"),
    ("    cart.add(\"tea\", 3)", "    # one cup\n    cart.add('tea', 3)"),
    ("def test_total():\n", 'def test_total() -> None:\n    """Adds up."""\n'),
    (TOTAL, "    with_total(cart, 3)\n\n\ndef with_total(cart, wanted):\n    assert total(cart) == wanted\n"),
    # renamed, moved within the file, in a class
    ("def test_total", "def test_total_of_one"),
    ("class TestCart", "class TestEmptyCart"),
    (BASE[BASE.index("def test_near") : BASE.index("def test_refuses")], ""),
    # split, said by a helper, set up by a fixture
    ('        assert "tea" not in', '\n    def test_lacks(self):\n        assert "tea" not in'),
    ("assert total(cart) == 3", "assert_total(cart, 3)"),
    ("def test_total():\n    cart = Cart()\n", "@pytest.fixture\ndef cart():\n    return Cart()\n\n\ndef test_total(cart):\n"),
    # surroundings
    ("def test_total():\n", "def test_total(monkeypatch):\n    monkeypatch.setenv('CART', '1')\n"),
    ("def test_total():\n", "def test_total(tmp_path):\n    (tmp_path / 'x').mkdir()\n"),
    ("def test_total", "@pytest.mark.usefixtures('shop')\ndef test_total"),
    ("def test_total", "@pytest.mark.slow\ndef test_total"),
    ("CASES = ", "import os\n\nHOME = os.environ.get('HOME')\nCASES = "),
    ("@pytest.mark.parametrize", "@pytest.mark.parametrize('unused', [1, 2])\n@pytest.mark.parametrize"),
    ("import pytest\n", "from __future__ import annotations\n\nimport pytest\n"),
    ("cart = Cart()\n", "cart = Cart(currency='EUR')\n"),
    ("assert given * given == wanted", "assert given**2 == wanted"),
    ("    cart.add(\"tea\", 3)\n", "    for name in ('tea',):\n        cart.add(name, 3)\n"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), FINE)
def test_what_is_no_weakening_is_not_named(old: str, new: str) -> None:
    base, ours = edited(old, new)
    if old.startswith("def test_near"):
        ours[PATH] += "\n\n" + old
    assert named(base, ours) == []


def test_two_tests_may_become_one_with_more_values() -> None:
    base = "from cart import total\n\ndef test_one():\n    assert total([1]) == 1\n\ndef test_two():\n    assert total([1, 2]) == 3\n"
    ours = (
        "import pytest\nfrom cart import total\n\n@pytest.mark.parametrize('given, wanted', [([1], 1), ([1, 2], 3)])\n"
        "def test_one(given, wanted):\n    assert total(given) == wanted\n"
    )
    assert named({PATH: base}, {PATH: ours}) == []


def test_a_test_may_move_to_another_file_and_from_unittest_to_pytest() -> None:
    assert named({PATH: BASE}, {"tests/unit/test_shop.py": BASE}) == []
    plain = "import cart\n\n\ndef test_total():\n    assert cart.total([1, 2]) == 3\n"
    classy = "import unittest\nimport cart\n\nclass CartTest(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(cart.total([1, 2]), 3)\n"
    assert named({PATH: classy}, {PATH: plain}) == []


def test_a_file_that_is_not_collected_any_more_is_named_for_each_test() -> None:
    found = named({PATH: BASE}, {"tests/cart_checks.py": BASE})
    assert {one.kind for one in found} == {"deleted"} and len(found) == 5
    assert [
        one.kind for one in named({PATH: "def test_a(): assert f() == 1\n"}, {PATH: "def test_a(:\n"})
    ] == ["deleted"]


def test_the_sentence_names_test_file_and_line() -> None:
    (one,) = named(*edited("def test_total", "@pytest.mark.skip\ndef test_total"))
    assert (one.path, one.line) == (PATH, 8)
    assert one.text == "test_total in tests/test_cart.py is skipped: pytest.mark.skip"
