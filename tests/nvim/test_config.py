"""One table is validation, defaults and help of the editor's options."""

from __future__ import annotations

from tests.nvim.editor import Editor


def test_defaults_work_without_setup(nvim: Editor) -> None:
    config = nvim.lua("return require('kage.config').get()")
    assert config["panes"] == "beside"
    assert config["statusline"]["width"] == 40
    assert config["icons"]["done"] == "✓"
    assert "python" not in config


def test_setup_changes_only_what_is_given(nvim: Editor) -> None:
    nvim.lua("require('kage').setup({ panes = 'window', icons = { done = 'D' } })")
    config = nvim.lua("return require('kage.config').get()")
    assert (config["panes"], config["icons"]["done"], config["icons"]["failed"]) == ("window", "D", "✗")


WRONG = [
    ("{ panse = 'window' }", "`panse`: expected a known option (nearest: `panes`"),
    ("{ panes = 'left' }", '`panes`: expected "beside" or "window" or "hidden", found "left"'),
    ("{ dashboard = 3 }", "`dashboard`: expected a table, found 3"),
    ("{ dashboard = { log_line = 3 } }", "`dashboard.log_line`: expected a known option"),
    (
        "{ dashboard = { log_lines = '3' } }",
        '`dashboard.log_lines`: expected an integer from 0, found "3"',
    ),
    ("{ statusline = { width = 3 } }", "`statusline.width`: expected an integer from 10, found 3"),
    ("{ python = true }", "`python`: expected a string, found true"),
    ("{ 'panes' }", "`1`: expected a known option"),
    ("'panes'", '`setup`: expected a table, found "panes"'),
]


def test_a_wrong_option_names_key_expected_and_found(nvim: Editor) -> None:
    for options, said in WRONG:
        ok, error = nvim.lua(f"return {{ pcall(require('kage').setup, {options}) }}")
        assert not ok
        assert said in error
    assert nvim.lua("return require('kage.config').get().panes") == "beside"


def test_help_has_every_option(nvim: Editor) -> None:
    lines = nvim.lua("return require('kage.config').help()")
    keys = nvim.lua("return vim.tbl_map(function(o) return o.key end, require('kage.config').options)")
    assert all(len(line) <= 78 or "*" in line for line in lines)
    for key in keys:
        assert any(line.startswith(key) and line.endswith(f"*kage-option-{key}*") for line in lines)


WORDS = [
    ("clean", ("a\tb\x1b[0m\r\nc\x00d\x7f \x9b31m",), "a b [0m c d   31m"),
    ("clean", (), ""),
    ("cut", ("hello", 5), "hello"),
    ("cut", ("hello", 4), "hel…"),
    ("cut", ("読む読む", 5), "読む…"),
    ("cut", ("読む読む", 4), "読…"),
    ("cut", ("hello", 0), ""),
    ("fit", ("ab", 4), "ab  "),
    ("fit", ("ab", 4, True), "  ab"),
    ("fit", ("読む読む", 6), "読む… "),
    ("wrap", ("one two three", 7), ["one two", "three"]),
    ("wrap", ("a\n\n  b  c", 7), ["a", "", "  b  c"]),
    ("wrap", ("abcdefghij k", 4), ["abcd", "efgh", "ij k"]),
    ("nearest", ("stauts", ["stop", "status", "send"]), "status"),
    ("money", (), "$?"),
    ("money", (0,), "$0.00"),
    ("money", (0.001,), "<$0.01"),
    ("money", (12.345,), "$12.35"),
    ("count", (999,), "999"),
    ("count", (12_345,), "12k"),
    ("count", (999_900,), "1.0M"),
    ("duration", (7,), "0:07"),
    ("duration", (3725,), "1:02:05"),
    ("duration", (-3,), "0:00"),
]


def test_words(nvim: Editor) -> None:
    code = "local name, args = ... return require('kage.words')[name](unpack(args))"
    for name, arguments, expected in WORDS:
        assert nvim.lua(code, name, arguments) == expected, (name, arguments)
