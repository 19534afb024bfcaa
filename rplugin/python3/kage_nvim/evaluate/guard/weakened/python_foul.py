"""A Python program that plays tests false: it patches what runs them, asks for them, writes over them.

By the syntax tree; names are followed through imports, and through words that were put together.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from kage_nvim.evaluate.guard.weakened.shapes import short


class Foul(NamedTuple):
    """One thing: ``key`` tells whether the base has it, too."""

    kind: str
    key: str
    line: int
    text: str


_RUNNERS = re.compile(r"_?pytest|unittest|pluggy|builtins|doctest|nose2?|hypothesis|xdist")
_OUTCOMES = re.compile(
    r"(_?pytest(\.outcomes)?\.(skip|xfail|exit|importorskip|Skipped|XFailed|Exit|skip\.Exception)|unittest(\.case)?\.SkipTest)$"
)
_STAND_INS = re.compile(r"unittest\.mock\.(ANY|\w*Mock|sentinel|call)$|mock\.(ANY|\w*Mock)$")
_MACHINE = re.compile(
    r"(gc\.(get_objects|get_referrers)|(sys|threading)\.(settrace|setprofile|addaudithook)|sys\.(meta_path|path_hooks)\.(insert|append))$"
)
_ENDS = re.compile(r"((os|posix)\.(_exit|abort|exec\w+|kill|killpg)|sys\.exit|builtins\.(exit|quit))$")
_STEERS = re.compile(r"PYTEST|PYTHON(OPTIMIZE|STARTUP|PATH|BREAKPOINT|WARNINGS)|HYPOTHESIS|COVERAGE_")
_DECODES = {"b64decode", "b32decode", "a85decode", "decompress", "fromhex", "unhexlify", "loads", "decode"}
_LIBC = {"exit", "_exit", "abort", "kill", "quick_exit"}
_PLACES = re.compile(
    r"sys\.(modules|argv|_getframe|_current_frames)|os\.(environ|getenv)|inspect\.(stack|currentframe)"
    r"|traceback\.(extract_stack|walk_stack|format_stack|print_stack)|\bf_(back|code|globals|locals)\b"
)
_ASKED = re.compile(r"pytest|unittest|^PYTEST|\btest_|^tests?$|/tests?/", re.I)
_SEARCHES = {"get", "getenv", "startswith", "endswith", "find", "index", "count", "match", "search",
             "fullmatch", "pop"}  # fmt: skip
_BY_NAME = {"getattr", "setattr", "__import__", "import_module", "exec", "eval"}
_FILES = re.compile(
    r"(^|/)(tests?|specs?|golden|__snapshots__)(/|$)|(^|/)(test_\w+|\w+_test|conftest)\.py$|junit\S*\.xml$|\.snap$"
)
_TOUCHES = {"open", "write_text", "write_bytes", "read_text", "read_bytes", "unlink", "remove", "rename",
            "replace", "rmtree", "copy", "copyfile", "move", "symlink_to", "touch"}  # fmt: skip
_TOOLS = re.compile(
    r"(^|/)(scripts?|tools?|docs?|bench\w*|examples?|setup|noxfile|tasks|fabfile|dodo)([/.]|$)|test|conftest"
)
"""Files of which it is the trade to run, or to write, tests."""


def fouls(path: str, tree: ast.Module) -> Iterator[Foul]:
    """What a file of the program does about tests."""
    if _TOOLS.search(path):
        return
    names = _names(tree)
    main = {id(at) for node in tree.body if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
            for at in ast.walk(node)}  # fmt: skip
    for scope in _scopes(tree):
        own = [at for at in _within(scope) if id(at) not in main]
        for node in own:
            yield from _one(node, names, top=scope is tree)
        yield from _asks(own, names)
        yield from _files(own)


def _names(tree: ast.Module) -> dict[str, str]:
    """What names of a file stand for: ``from os import _exit as bye`` → ``bye: os._exit``."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    found[alias.asname] = alias.name
                else:
                    top = alias.name.partition(".")[0]
                    found[top] = top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.Subscript, ast.Attribute)):
            means = _dotted(node.value, found)
            if _RUNNERS.match(means) and "(" not in means:
                found |= {at.id: means for at in node.targets if isinstance(at, ast.Name)}
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of what an expression names; empty where it names nothing."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    if isinstance(node, ast.Call) and node.args:
        func = _dotted(node.func, names)
        if func in ("importlib.import_module", "import_module", "__import__", "sys.modules.get"):
            return words(node.args[0]) or ""
        if func == "getattr" and len(node.args) > 1:
            return f"{_dotted(node.args[0], names)}.{words(node.args[1]) or ''}"
        return ""
    if isinstance(node, ast.Subscript) and _dotted(node.value, names) == "sys.modules":
        return words(node.slice) or ""
    return ""


def words(node: ast.expr) -> str | None:
    """A text, though it is put together from parts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = words(node.left), words(node.right)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        parts = [words(at) for given in node.args for at in getattr(given, "elts", [])]
        return (words(node.func.value) or "").join(at for at in parts if at)
    return None


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    yield from (at for at in ast.walk(tree) if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or a module, not those of functions in it, nor what documents it."""
    left: list[ast.AST] = [scope]
    while left:
        node = left.pop()
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
                continue
            yield inner
            left.append(inner)


def _one(node: ast.AST, names: dict[str, str], *, top: bool) -> Iterator[Foul]:
    if isinstance(node, ast.Call):
        yield from _call(node, names, top=top)
    elif isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load):
        means = _dotted(node, names)
        if _OUTCOMES.search(means):
            yield Foul(
                "skipped", f"outcome {means}", node.lineno, f"skips or ends tests by itself: `{means}`"
            )
        elif _STAND_INS.search(means):
            yield Foul("equality", f"mock {means}", node.lineno, f"has a mock where tests look: `{means}`")
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        for target in node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]:
            inner = target.value if isinstance(target, ast.Subscript) else target
            means = _dotted(inner, names) if isinstance(inner, ast.Attribute) else ""
            if isinstance(target, ast.Subscript) and _steers(target, names):
                shown = short(ast.unparse(target))
                yield Foul("patched", f"set {shown}", node.lineno, f"changes how tests are run: `{shown}`")
            if _RUNNERS.match(means) and not means.startswith("builtins._"):
                text = f"changes what tests stand on: `{short(ast.unparse(target))}`"
                yield Foul("patched", f"set {means}", node.lineno, text)
    elif isinstance(node, ast.Attribute) and node.attr == "__eq__" and isinstance(node.ctx, ast.Store):
        yield Foul("equality", f"set {ast.unparse(node)}", node.lineno, "puts another equality in place")


def _steers(target: ast.Subscript, names: dict[str, str]) -> bool:
    """``os.environ["PYTEST_ADDOPTS"]``, ``__builtins__["print"]``."""
    on = ast.unparse(target.value)
    return on == "__builtins__" or (
        _dotted(target.value, names) == "os.environ" and bool(_STEERS.match(words(target.slice) or ""))
    )


def _call(node: ast.Call, names: dict[str, str], *, top: bool) -> Iterator[Foul]:
    means, shown = _dotted(node.func, names), short(ast.unparse(node))
    told = [words(at) for at in node.args]
    if means.endswith("setattr") and len(node.args) == 3:
        on = _dotted(node.args[0], names)
        if _RUNNERS.match(on):
            yield Foul("patched", f"set {on}", node.lineno, f"changes what tests stand on: `{shown}`")
        elif told[1] in ("__eq__", "__ne__", "__bool__"):
            yield Foul("equality", f"set {on}", node.lineno, f"puts another {told[1]} in place")
    elif means == "type" and len(node.args) == 3 and isinstance(node.args[2], ast.Dict):
        if "__eq__" in [words(key) for key in node.args[2].keys if key is not None]:
            yield Foul("equality", "type", node.lineno, "makes a class with an equality of its own")
    elif _MACHINE.match(means):
        yield Foul("patched", means, node.lineno, f"meddles with what runs it: `{means}`")
    elif means.startswith("os.environ.") or means == "os.putenv":
        if told and _STEERS.match(told[0] or ""):
            yield Foul("patched", f"set {told[0]}", node.lineno, f"changes how tests are run: `{shown}`")
    elif means in ("exec", "eval") and any(
        _last(at.func) in _DECODES for at in ast.walk(node) if at is not node and isinstance(at, ast.Call)
    ):
        yield Foul("hidden", f"hidden {means}", node.lineno, f"hides what it does: `{shown}`")
    elif (
        "ctypes" in names
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("exit", "_exit", "abort", "kill", "quick_exit")
    ):
        yield Foul("exit", f"exit {node.func.attr}", node.lineno, f"ends the process: `{shown}`")
    elif means == "os.kill" and "getpid" in shown:
        yield Foul("exit", "kill", node.lineno, f"ends the process: `{shown}`")
    elif top and _ENDS.match(means):
        yield Foul("exit", f"top {means}", node.lineno, f"ends the process when it is loaded: `{shown}`")
    parts = [at for at, word in zip(node.args, told, strict=True) if word]
    if any(not isinstance(at, ast.Constant) for at in parts) and means.rpartition(".")[2] in _BY_NAME:
        yield Foul("hidden", f"hidden {shown}", node.lineno, f"hides what it names: `{shown}`")


def _asks(own: list[ast.AST], names: dict[str, str]) -> Iterator[Foul]:
    """A question whether tests run: of modules, arguments, the environment, or who calls."""
    places = {_dotted(at, names) for at in own if isinstance(at, (ast.Attribute, ast.Name))}
    places = {place for place in places if _PLACES.search(place)}
    if not places:
        return
    frames = any(re.search(r"frame|stack|f_", place) for place in places)
    for node in own:
        asked: list[ast.AST] = []
        if isinstance(node, (ast.Compare, ast.Subscript)):
            asked = [node]
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            asked = list(node.args) if name in _SEARCHES else []
        found = [words(at) for part in asked for at in ast.walk(part) if isinstance(at, ast.expr)]
        said = next((word for word in found if word and _ASKED.search(word)), None)
        if said is None and frames:
            said = next((word for word in found if word and re.search("test", word)), None)
        if said is not None:
            line = getattr(node, "lineno", 0)
            yield Foul("detects tests", "asks", line, f"asks whether tests run: `{short(ast.unparse(node))}`")
            return
    if any(place.endswith(".f_locals") for place in places):
        at = next(at for at in own if isinstance(at, ast.Attribute) and at.attr == "f_locals")
        yield Foul("detects tests", "locals", at.lineno, "looks into the variables of what calls it")


def _files(own: list[ast.AST]) -> Iterator[Foul]:
    """Files of tests that the program reads or writes."""
    touched = [at for at in own if isinstance(at, ast.Call) and _last(at.func) in _TOUCHES]
    if not touched:
        return
    for node in own:
        said = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if len(said) < 200 and "\n" not in said and _FILES.search(said):
            text = f"reads or writes what belongs to tests: `{short(said)}`"
            yield Foul("detects tests", f"file {said}", getattr(node, "lineno", 0), text)
            return


def _decodes(call: ast.Call) -> bool:
    """Whether what is carried out is written so that nobody reads it."""
    inner = (at for given in call.args for at in ast.walk(given) if isinstance(at, ast.Call))
    return any(_last(at.func) in _DECODES for at in inner)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def ends_for_answers(old: ast.Module | None, new: ast.Module) -> Iterator[Foul]:
    """A function that gave an answer, and ends the process as if all were well now."""
    before = {at.name: at for at in ast.walk(old) if isinstance(at, ast.FunctionDef)} if old else {}
    names = _names(new)
    for node in ast.walk(new):
        if not isinstance(node, ast.FunctionDef) or node.name not in before:
            continue
        known = before[node.name]
        if _answers(known) and not _zero_exits(known, names):
            for at in _zero_exits(node, names):
                shown = ast.unparse(at)
                yield Foul("exit", f"exit {shown}", at.lineno, f"ends the process in {known.name}: `{shown}`")


def _answers(node: ast.FunctionDef) -> bool:
    given = [at.value for at in ast.walk(node) if isinstance(at, ast.Return)]
    return any(value is not None and not isinstance(value, ast.Constant) for value in given)


_STOPS = {"sys.exit", "exit", "quit", "SystemExit", "os.execv", "os.execl", "os.execvp", "os.execve"}


def _zero_exits(node: ast.FunctionDef, names: dict[str, str]) -> list[ast.Call]:
    calls = [at for at in ast.walk(node) if isinstance(at, ast.Call)]
    ends = [at for at in calls if _dotted(at.func, names) in _STOPS]
    return [
        at for at in ends if "exec" in _last(at.func) or not at.args or not getattr(at.args[0], "value", True)
    ]
