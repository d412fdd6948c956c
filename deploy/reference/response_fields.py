"""Fields of a response, read from the source of an endpoint, as routes return plain dictionaries.

Fields of database rows that are returned unchanged are not seen.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

#: Calls whose arguments become the response.
SENDERS = ("send", "respond", "JSONResponse")


@cache
def response_fields(function: Callable[..., Any], seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the literal keys of the dictionaries that a function returns or sends, following calls in its service."""
    name = f"{function.__module__}.{function.__qualname__}"
    if name in seen:
        return set()
    tree = _tree_of(function)
    found = set()
    for expression in _results(tree):
        for node in _parts(expression, tree, set()):
            found |= _keys(node)
            if not isinstance(node, ast.Call):
                continue
            if getattr(node.func, "id", "") == "asdict":
                found |= _fields_of_argument(node, function) - _deleted(tree, function)
            elif (called := _resolved(node.func, function)) is not None:
                found |= response_fields(called, seen | {name})
    return found


def _fields_of_argument(call: ast.Call, function: Callable[..., Any]) -> set[str]:
    """Return the fields of the dataclass that `asdict(parameter)` converts."""
    annotations = get_type_hints(function) if isinstance(call.args[0], ast.Name) else {}
    annotation = annotations.get(getattr(call.args[0], "id", ""))
    return {field.name for field in fields(annotation)} if is_dataclass(annotation) else set()


def _deleted(tree: ast.AST, function: Callable[..., Any]) -> set[str]:
    """Return the names of a constant that a loop with `del` iterates over."""
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For) and isinstance(node.body[0], ast.Delete)]
    return {name for loop in loops for name in function.__globals__.get(getattr(loop.iter, "id", ""), ())}


@cache
def _tree_of(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _results(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in SENDERS:
            yield from node.args


def _parts(expression: ast.AST, tree: ast.AST, names: set[str]) -> Iterator[ast.AST]:
    """Yield the nodes of an expression, and of the values of the local names in it."""
    yield expression
    if isinstance(expression, ast.Name) and expression.id not in names:
        names.add(expression.id)
        for value in _values_of(expression.id, tree):
            yield from _parts(value, tree, names)
    for child in ast.iter_child_nodes(expression):
        if not (isinstance(child, ast.keyword) and child.arg == "headers"):
            yield from _parts(child, tree, names)


def _values_of(name: str, tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Subscript) and getattr(target.value, "id", None) == name:
                    yield ast.Dict(keys=[target.slice], values=[node.value])


def _keys(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Dict):
        return {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        return {keyword.arg for keyword in node.keywords if keyword.arg}
    return set()


def _resolved(called: ast.expr, caller: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of our services that a name or `module.name` refers to."""
    found = None
    if isinstance(called, ast.Name):
        found = caller.__globals__.get(called.id)
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        found = getattr(caller.__globals__.get(called.value.id), called.attr, None)
    return found if inspect.isfunction(found) and found.__module__.startswith("services.") else None
