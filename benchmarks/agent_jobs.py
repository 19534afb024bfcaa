"""The twenty tasks: small repositories with something wrong, or something missing."""

from __future__ import annotations

from agent_policy import Job


def _test(*lines: str, imports: str) -> str:
    body = "\n".join(f"        {line}" for line in lines)
    return f"import unittest\n{imports}\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n{body}\n"


def _filler(count: int, name: str = "part") -> str:
    return "".join(f"def {name}_{n}(value):\n    return value * {n} + {n % 7}\n\n\n" for n in range(count))


CALC = "def add(a, b):\n    return a - b\n\n\ndef halve(n):\n    return n // 2\n"
LINES = "def total(rows):\n    result = 0\n    for row in rows:\n        result = row\n    return result\n"
TWICE = (
    "def first(items):\n    if not items:\n        return 0\n    return items[0]\n\n\n"
    "def last(items):\n    if not items:\n        return 0\n    return items[1]\n"
)
NESTED = (
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def pop(self):\n"
    "        if not self.items:\n            return None\n        return self.items.pop(0)\n"
)
SERVE = "import time\nprint('listening', flush=True)\ntime.sleep(600)\n"
READER = "class Reader:\n    def lines(self, text):\n        return text.split('\\n')\n"
SUM = (
    "function sum(list) {\n  let total = 1;\n  for (const n of list) total += n;\n"
    "  return total;\n}\nmodule.exports = { sum };\n"
)
ADD = ("calc.py", "add", "    return a - b", "    return a + b")
TEST_ADD = _test("self.assertEqual(add(2, 3), 5)", imports="from calc import add")


def _slips(*names: str) -> frozenset[str]:
    return frozenset(names)


def _shop(count: int) -> dict[str, str]:
    files = {
        f"shop/m{n}.py": f"from shop.money import price\n\n\ndef use_{n}(x):\n    return price(x)\n"
        for n in range(count)
    }
    return files | {"shop/__init__.py": "", "shop/money.py": "def price(x):\n    return x\n"}


JOBS = [
    Job("a wrong sign", "add() subtracts. Mend it.", {"calc.py": CALC, "test_calc.py": TEST_ADD}, [ADD]),
    Job(
        "a sum that forgets",
        "total() gives only the last row.",
        {
            "lines.py": LINES,
            "test_lines.py": _test("self.assertEqual(total([1, 2]), 3)", imports="from lines import total"),
        },
        [("lines.py", "total", "        result = row", "        result += row")],
    ),
    Job(
        "one of two alike",
        "last() gives the second item instead of the last; an empty list gives None.",
        {
            "ends.py": TWICE,
            "test_ends.py": _test(
                "self.assertEqual(last([1, 2, 3]), 3)",
                "self.assertIsNone(last([]))",
                "self.assertEqual(first([]), 0)",
                imports="from ends import first, last",
            ),
        },
        [
            (
                "ends.py",
                "last",
                "def last(items):\n    if not items:\n        return 0\n    return items[1]",
                "def last(items):\n    if not items:\n        return None\n    return items[-1]",
            )
        ],
    ),
    Job(
        "an ambiguous quote",
        "last() of an empty list must give None.",
        {
            "ends.py": TWICE,
            "test_ends.py": _test(
                "self.assertIsNone(last([]))",
                "self.assertEqual(first([]), 0)",
                imports="from ends import first, last",
            ),
        },
        [
            (
                "ends.py",
                "last",
                "def last(items):\n    if not items:\n        return 0",
                "def last(items):\n    if not items:\n        return None",
            )
        ],
        slips=_slips("ambiguous"),
    ),
    Job(
        "a quote at the wrong depth",
        "Stack.pop takes from the wrong end.",
        {
            "stack.py": NESTED,
            "test_stack.py": _test(
                "s = Stack()",
                "s.items = [1, 2]",
                "self.assertEqual(s.pop(), 2)",
                imports="from stack import Stack",
            ),
        },
        [
            (
                "stack.py",
                "pop",
                "            return None\n        return self.items.pop(0)",
                "            return None\n        return self.items.pop()",
            )
        ],
        slips=_slips("depth"),
    ),
    Job(
        "words instead of an end",
        "add() subtracts.",
        {"calc.py": CALC, "test_calc.py": TEST_ADD},
        [ADD],
        slips=_slips("forget"),
    ),
    Job(
        "a path that is not",
        "add() subtracts.",
        {"calc.py": CALC, "test_calc.py": TEST_ADD},
        [ADD],
        slips=_slips("absent"),
    ),
    Job(
        "a search too wide",
        "add() subtracts.",
        {"calc.py": CALC, "test_calc.py": TEST_ADD, "many.py": _filler(400)},
        [ADD],
        slips=_slips("wide"),
    ),
    Job(
        "a long log",
        "The build says that add() is wrong; build.log is what it printed.",
        {"calc.py": CALC, "test_calc.py": TEST_ADD, "build.log": "compiling a module that is fine\n" * 4000},
        [ADD],
        slips=_slips("long"),
    ),
    Job(
        "a command that hangs",
        "add() subtracts; serve.py uses it.",
        {"calc.py": CALC, "test_calc.py": TEST_ADD, "serve.py": SERVE},
        [ADD],
        slips=_slips("hang"),
        seconds=3,
    ),
    Job(
        "a big file",
        "part_900 must give value * 1000.",
        {
            "big.py": _filler(1500),
            "test_big.py": _test("self.assertEqual(part_900(2), 2000)", imports="from big import part_900"),
        },
        [("big.py", "part_900", "    return value * 900 + 4", "    return value * 1000")],
    ),
    Job(
        "three files",
        "price() must take a currency and give (x, currency); m1 and m2 must pass 'EUR'.",
        _shop(4)
        | {
            "test_shop.py": _test(
                "self.assertEqual(use_1(3), (3, 'EUR'))",
                "self.assertEqual(use_2(3), (3, 'EUR'))",
                imports="from shop.m1 import use_1\nfrom shop.m2 import use_2",
            )
        },
        [
            (
                "shop/money.py",
                "price",
                "def price(x):\n    return x",
                "def price(x, currency='USD'):\n    return x, currency",
            ),
            ("shop/m1.py", "use_1", "    return price(x)", "    return price(x, 'EUR')"),
            ("shop/m2.py", "use_2", "    return price(x)", "    return price(x, 'EUR')"),
        ],
    ),
    Job(
        "half a fix, seen by the test",
        "Both calc.add and lines.total are wrong.",
        {
            "calc.py": CALC,
            "lines.py": LINES,
            "test_both.py": _test(
                "self.assertEqual(add(1, 2), 3)",
                "self.assertEqual(total([1, 2]), 3)",
                imports="from calc import add\nfrom lines import total",
            ),
        },
        [ADD, ("lines.py", "total", "        result = row", "        result += row")],
        slips=_slips("partly"),
    ),
    Job(
        "a new module",
        "Add words.py with count(text), the number of words.",
        {
            "test_words.py": _test("self.assertEqual(count('a b  c'), 3)", imports="from words import count"),
            "README.md": "# Words\n",
        },
        [],
        new={"words.py": "def count(text):\n    return len(text.split())\n"},
    ),
    Job(
        "Windows line ends",
        "add() subtracts. Keep the file's line ends.",
        {"calc.py": CALC.replace("\n", "\r\n"), "test_calc.py": TEST_ADD},
        [("calc.py", "add", "return a - b", "return a + b")],
        check="python3 -m unittest -q && test $(grep -c $'\\r' calc.py) = 6",
    ),
    Job(
        "tabs, quoted as spaces",
        "Stack.pop takes from the wrong end.",
        {
            "stack.py": NESTED.replace("    ", "\t"),
            "test_stack.py": _test(
                "s = Stack()",
                "s.items = [1, 2]",
                "self.assertEqual(s.pop(), 2)",
                imports="from stack import Stack",
            ),
        },
        [
            (
                "stack.py",
                "pop",
                "\t\t\treturn None\n\t\treturn self.items.pop(0)",
                "\t\t\treturn None\n\t\treturn self.items.pop()",
            )
        ],
        slips=_slips("depth"),
    ),
    Job(
        "deep in folders",
        "Reader.lines must skip empty lines.",
        {
            **{f"app/p{n}/q{m}/mod.py": _filler(3, f"f{n}{m}") for n in range(5) for m in range(4)},
            "app/io/text/reader.py": READER,
            "test_reader.py": _test(
                "self.assertEqual(Reader().lines('a\\n\\nb'), ['a', 'b'])",
                imports="from app.io.text.reader import Reader",
            ),
        },
        [
            (
                "app/io/text/reader.py",
                "lines",
                "        return text.split('\\n')",
                "        return [line for line in text.split('\\n') if line]",
            )
        ],
    ),
    Job(
        "a file of data",
        "The default port in settings.json must be 8080.",
        {
            "settings.json": '{\n  "host": "localhost",\n  "port": 80\n}\n',
            "serve.py": "import json\n\n\ndef port():\n    return json.load(open('settings.json'))['port']\n",
            "test_port.py": _test("self.assertEqual(port(), 8080)", imports="from serve import port"),
        },
        [("settings.json", "port", '  "port": 80', '  "port": 8080')],
    ),
    Job(
        "JavaScript",
        "sum() starts at 1 instead of 0.",
        {
            "sum.js": SUM,
            "README.md": "# Sum\n",
        },
        [("sum.js", "sum", "  let total = 1;", "  let total = 0;")],
        check="grep -q 'total = 0' sum.js",
    ),
    Job(
        "many mistakes at once",
        "Stack.pop takes from the wrong end.",
        {
            "stack.py": NESTED,
            "many.py": _filler(300),
            "test_stack.py": _test(
                "s = Stack()",
                "s.items = [1, 2]",
                "self.assertEqual(s.pop(), 2)",
                imports="from stack import Stack",
            ),
        },
        [
            (
                "stack.py",
                "pop",
                "            return None\n        return self.items.pop(0)",
                "            return None\n        return self.items.pop()",
            )
        ],
        slips=_slips("depth", "absent", "wide", "forget"),
    ),
]
