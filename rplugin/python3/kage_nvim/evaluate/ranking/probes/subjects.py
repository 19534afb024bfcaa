"""Which functions candidates changed: found in the syntax trees of their Python files. Pure."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping

import msgspec

LARGEST = 512 * 1024
"""Bytes of a Python file that is looked at."""


class Subject(msgspec.Struct, frozen=True):
    """A function to probe: where it is, and the first version of its signature that was met.

    ``annotations`` are the parameters' annotations as text, in order (empty: none), ``returns`` the result's;
    ``least`` is how many arguments it needs.
    """

    path: str
    name: str
    annotations: tuple[str, ...]
    least: int
    parameters: tuple[str, ...] = ()
    returns: str = ""
    docs: tuple[str, ...] = ()


def parsed(source: bytes) -> ast.Module | None:
    """The syntax tree of a file; ``None``: it is no Python, or none that is looked at."""
    if len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def functions(tree: ast.Module | None) -> dict[str, ast.FunctionDef]:
    """The functions of a module by name: the last one of each name, as Python has it."""
    return {node.name: node for node in (tree.body if tree else []) if isinstance(node, ast.FunctionDef)}


def subjects(path: str, base: bytes | None, versions: Mapping[int, bytes | None]) -> list[Subject]:
    """Functions of a file that more than half of those candidates that have them changed or added, and that
    take the same arguments by place in each. ``versions`` holds the file of each candidate."""
    before = functions(parsed(base)) if base is not None else {}
    after = {number: functions(parsed(text)) for number, text in versions.items() if text is not None}
    names = sorted({name for found in after.values() for name in found})
    found = []
    for name in names:
        nodes = [there[name] for there in after.values() if name in there]
        old = before.get(name)
        changed = [node for node in nodes if old is None or ast.dump(node) != ast.dump(old)]
        if len(nodes) * 2 <= len(versions) or not changed:
            continue
        shapes = {_shape(node) for node in nodes}
        if len(shapes) != 1 or not _shape(nodes[0])[0]:
            continue
        known = [*([old] if old else []), *sorted(nodes, key=ast.dump)]
        found.append(_subject(path, name, known))
    return found


def _shape(node: ast.FunctionDef) -> tuple[int, int]:
    """How many arguments it takes by place, and how many it needs."""
    taken = len(node.args.posonlyargs) + len(node.args.args)
    return taken, taken - len(node.args.defaults)


def _subject(path: str, name: str, known: list[ast.FunctionDef]) -> Subject:
    """What is known of a function: the base's word is taken before the candidates'."""
    places = [[*node.args.posonlyargs, *node.args.args] for node in known]
    annotations = []
    for at in range(len(places[-1])):
        said = (place[at].annotation for place in places if at < len(place))
        annotations.append(next((ast.unparse(note) for note in said if note is not None), ""))
    returns = next((ast.unparse(node.returns) for node in known if node.returns is not None), "")
    docs = [text for node in known if (text := ast.get_docstring(node))]
    return Subject(
        path=path,
        name=name,
        annotations=tuple(annotations),
        least=_shape(known[-1])[1],
        parameters=tuple(argument.arg for argument in places[0]),
        returns=returns,
        docs=tuple(dict.fromkeys(docs[:1])),
    )


def covered(base: bytes | None, version: bytes, names: set[str]) -> bool:
    """Is all that a candidate changed in a file seen when these functions are called? Imports, texts and new
    helpers are seen through those that use them; changed classes and other statements are not."""
    before, after = parsed(base or b""), parsed(version)
    if before is None or after is None:
        return False
    old = {ast.dump(node) for node in before.body}
    known = set(functions(before))
    for node in after.body:
        if ast.dump(node) in old or isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.FunctionDef) and (node.name in names or node.name not in known):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        return False
    kept = set(functions(after))
    return all(name in kept for name in known)
