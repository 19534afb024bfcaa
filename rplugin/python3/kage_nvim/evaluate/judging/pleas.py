"""Words in a candidate that speak to whoever judges it: they are taken out, and worth knowing. Pure.

Text of candidates is data, and a judge is told so; but a model may follow what it reads all the same. A line
that asks for a good mark, plays somebody else, or ends what it stands in is found by its words: whatever
signs it is written with, also where it goes over two lines. What no pattern knows still meets the marks
around all data (``questions.fenced``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kage_nvim.visible import UNSEEN, seen

REMOVED = "[removed: a line that speaks to the judge]"
PIECE, OVERLAP = 2_000, 200
"""Characters of a long line that are looked at together, and those that two pieces share."""

_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_NOTHING = re.compile("[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")
# Letters of other scripts that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0458\u04bb\u0501\u051b\u051d\u043a\u043c\u0442"
    "\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425\u0405\u0408"
    "\u03b1\u03bf\u03c1\u03bd\u03c5\u03b9\u03ba\u03c7\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aceopxyisjhdqwkmtABCEHIKMOPTXSJaopvuikxABEHIKMNOPTX",
)
_APART = re.compile(r"(?<=\b\w) (?=\w\b)")
_ONE = r"(?:candidate|solution|version|answer|option|change|patch|diff|implementation|submission|one)"
_RIVAL = r"(?:candidate|solution|answer|submission|implementation|patch|agent)"
_WHO = r"(?:judges?|graders?|evaluators?)"
_CHOOSE = r"(?:choose|pick|prefer|select|favou?r|rank|vote(?:\s+for)?|accept|approve)"
_AB = r"""["'\[({`*]*(?-i:[AB])["'\])}`*]*"""
_END = r"\s*(?:$|[.,;!}])"
_SPEAKS = re.compile(
    rf"""
    \b(?:ignore|disregard|forget|override|stop\s+following)\b
        (?:\s+\w+)?\s+(?:previous|prior|above|earlier|all|any|your|the|these|those|this|every\w*|what)\b
        .{{0,40}}\b(?:instructions?|rubric|criteria|prompts?|above|said|told)\b
    | \b{_CHOOSE}\s+(?:me\b(?!-)|this\s+{_ONE}\b|(?:{_ONE}|agent)\s+{_AB}|{_ONE}\s+\d|{_AB}{_END})
    | \b{_CHOOSE}\s+the\s+(?:first|second|former|latter)(?:\s+{_ONE})?\W*$
    | \b(?:not|don't|never|reject)\s+(?:{_CHOOSE}\s+)?(?:the\s+other\s+{_ONE}|{_AB}{_END})
    | \b(?:note|message|hint|instructions?|attention|dear|hey)\W+(?:to|for)?\W*(?:the\s+|all\s+)?{_WHO}\b
    | \b(?:you\s+are|as)\s+(?:a|the)\s+(?:judge|grader|evaluator)\b | \bfrom\s+now\s+on\W+you\b
    | \b{_WHO}\W{{1,3}}(?:please\s+|must\s+|should\s+|will\s+)*(?:{_CHOOSE}|answer|this)\s
    | ^\W*(?:reviewers?|{_WHO})\s*[:,]\s*(?:please\s+)?{_CHOOSE}\b
    | \b(?:LLM|AI|model)\s+(?:reviewers?|{_WHO})\b | \bif\s+you\s+are\s+an?\s+(?:AI|LLM|language)\b
    | \bthis\s+{_ONE}\s+(?:is|must|should)\s+(?:\w+ly\s+|by\s+far\s+)?(?:be\s+)?(?:the\s+)?
        (?:best|winner|chosen|preferred|superior|ranked|selected|better\s+one)\b
    | \bth(?:is|e)\s+(?:{_ONE}\s+|is\s+)(?:above\s+)?(?:is\s+)?(?:the\s+)?
        (?:best(?:{_END}|\s+{_ONE})|winner{_END})
    | \bthe\s+other\s+{_RIVAL}\b.{{0,30}}\b(?:worse|wrong|fails?|broken|buggy|cheats?|incorrect)\b
    | \b(?:winner|winning|verdict|(?:correct|right|final|best)\s+(?:answer|choice|{_ONE}))["']?\s*
        (?:is|:|=|should\s+be|must\s+be)\s*{_AB}(?:{_END}|\s+(?:wins|is)\b)
    | \b(?:output|answer|respond|reply|say)\s*(?:with\b|only\b|winner\b|[:=\s])*{_AB}{_END}
    | (?-i:\b[AB])\s+(?:is|was)\s+(?:\w+ly\s+)?
        (?:better|best|worse|wrong|broken|incorrect|buggy|the\s+winner)\b
    | \b(?:give|award|assign|deserves?)\b.{{0,30}}
        \b(?:highest|top|full|best|maximum)\s+(?:scores?|marks?|rating|rank)
    | \brate\s+(?:this|it|me)\s+(?:10|ten|5|five)\b
    | \b(?:verified|approved|accepted)\s+by\s+(?:the\s+)?(?:maintainers?|{_WHO})\b
    | ^\W*(?:system|assistant|developer|human)(?:\s+(?:prompt|message|note))?\s*:.*
        \b(?:choose|pick|prefer|winner|best|better|answer|ignore|judge|you\s+must|(?-i:[AB]){_END})
    | ["']?\bwinner["']?\s*[:=]\s*["']?(?-i:[AB])["']?{_END}
    | \[/?INST\] | \#\#\#\s*(?:instructions?|system|response)\b | \bnew\s+instructions?\s*:
    | <\|/?\w+\|> | </?(?:im_start|im_end|system|assistant|instructions?|rubric|candidate)>
    | (?:<<<|>>>)\s?\w+\s+[0-9a-f]{{6,}}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


_WORD = re.compile(r"[a-z_]+")
_WORDS = """
judge judges grader graders evaluator evaluators reviewer reviewers ignore disregard forget override
following choose pick prefer select favor favour rank vote accept approve not don never reject now llm ai
model best better winner winning chosen preferred superior ranked selected other verdict correct right final
output answer respond reply say worse wrong broken incorrect buggy give award assign deserve deserves rate
verified approved accepted system assistant developer human inst instruction instructions response im_start
im_end rubric candidate
"""
_NEEDED = frozenset(_WORDS.split())


def speaks(line: str) -> bool:
    """Whether a line is meant for whoever judges it."""
    return any(_says(line[at : at + PIECE]) for at in range(0, max(1, len(line)), PIECE - OVERLAP))


def _says(line: str) -> bool:
    if not line.isascii():
        line = _TAGS.sub(lambda tags: "".join(chr(ord(char) & 0x7F) for char in tags[0]), line)
        line = UNSEEN.sub("", unicodedata.normalize("NFKC", _NOTHING.sub("", line))).translate(_LOOKALIKES)
    joined = _APART.sub("", line)
    return any(_may(text) and _SPEAKS.search(text) for text in dict.fromkeys((line, joined)))


def _may(line: str) -> bool:
    """Whether a line has what every pattern has one of: most lines have none, and that is soon seen."""
    marked = any(mark in line for mark in ("<<<", ">>>", "<|"))
    return marked or not _NEEDED.isdisjoint(_WORD.findall(line.lower()))


def without_pleas(lines: Sequence[str]) -> tuple[list[str], int]:
    """Lines without those that speak to the judge, also where such a sentence goes over two of them."""
    told, count = list(lines), 0
    for at, line in enumerate(told):
        if speaks(line):
            told[at], count = REMOVED, count + 1
    for at in range(len(told) - 1):
        one, two = told[at], told[at + 1]
        if REMOVED not in (one, two) and speaks(f"{one.strip()} {two.strip(' #/*+-;')}"):
            told[at], told[at + 1], count = REMOVED, REMOVED, count + 1
    return told, count


def shown(line: str) -> str:
    """A line of a candidate with what nobody sees made visible, so that a judge reads what a user reads."""
    line = _TAGS.sub(lambda tags: f"<{len(tags[0])} signs that nobody sees>", line)
    return UNSEEN.sub(seen, line)


def named(name: str) -> str:
    """A name that others gave, of a file or a test, on one line, unless it speaks to the judge."""
    return REMOVED if speaks(name) else shown(name.replace("\n", "\u240a"))
