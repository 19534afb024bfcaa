"""The message after :KageAccept, and what completes there."""

from __future__ import annotations

from tests.nvim.editor import Editor


def test_a_message_may_have_blanks_and_stand_anywhere(nvim: Editor) -> None:
    for line, words, message in (
        ("2 a.py --commit --message Mend the parser", ["2", "a.py", "--commit"], "Mend the parser"),
        ('2 --message "Mend ""the"" parser" a.py', ["2", "a.py"], 'Mend "the" parser'),
        ("2 --message 'it''s' --branch x", ["2", "--branch", "x"], "it's"),
        ("2 --message Mend it --branch x", ["2", "--branch", "x"], "Mend it"),
        ("2 -m=Mend it", ["2"], "Mend it"),
        ('2 -m "no end', ["2"], "no end"),
        ("2 --message --commit", ["2", "--commit"], ""),
        ("2 -m", ["2"], ""),
        ("2 -- --message", ["2", "--", "--message"], None),
        ("2 a\\ b.py", ["2", "a b.py"], None),
    ):
        found = nvim.lua("return { require('kage.accept_words').split(...) }", line)
        assert found == ([words] if message is None else [words, message]), line
    assert nvim.lua("return vim.fn.getcompletion('KageAccept 2 --m', 'cmdline')") == ["--merge", "--message"]
