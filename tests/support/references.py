"""Resolves references such as `path/to/file.py::Class::function` to definitions, without importing the file."""

import ast

from deploy.local.settings import ROOT


def find_definition(reference: str) -> ast.AST:
    """Return the definition; raises LookupError if the file or a name in it does not exist."""
    path, *names = reference.split("::")
    if not (ROOT / path).is_file():
        raise LookupError(f"{reference}: there is no file {path}")
    node: ast.AST = ast.parse((ROOT / path).read_text())
    for name in names:
        found = next((child for child in ast.iter_child_nodes(node) if name in _names_of(child)), None)
        if found is None:
            raise LookupError(f"{reference}: {path} does not define {name}")
        node = found
    return node


def _names_of(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
