"""Texts for people use plain words: docstrings, comments, messages, templates and pages avoid vague pronouns."""

import ast
import io
import os
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: A possessive ("somebody's") contains its pronoun. A hyphen or an underscore makes a word part of a name or an id.
VAGUE = re.compile(
    r"(?<![\w/@-])(?:somebody|nobody|whoever|anew)(?![\w@-])|\bof\s+which\s+there\s+is\s+none\b", re.IGNORECASE
)
#: Not ours, generated, or, as samples of messages are, read by programs only.
SKIPPED_FOLDERS = {".git", ".replenish", ".venv", "__pycache__", "node_modules", "out"}
TEXT_SUFFIXES = {".css", ".html", ".js", ".md", ".sh", ".sql", ".svg", ".toml", ".txt", ".yaml", ".yml"}
TEXT_NAMES = {"Dockerfile", "Makefile", "run"}


def vague_lines(text):
    """Yield (line, word) for each vague word of a text."""
    for found in VAGUE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[0]


def vague_python(source):
    """Yield (line, word) for each vague word in a comment, or in a string that contains a space.

    A string without a space is data: a name, a key, an id.
    """
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from ((token.start[0], word) for _, word in vague_lines(token.string))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\S\s+\S", node.value):
            yield from ((node.lineno + line - 1, word) for line, word in vague_lines(node.value))


def texts():
    """Yield the path of every file of this tree that people read."""
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = here / name
            if path.suffix in {".py", *TEXT_SUFFIXES} or name in TEXT_NAMES:
                yield path


def vague_words(path):
    text = path.read_text(encoding="utf-8")
    if path == Path(__file__) or not VAGUE.search(text):  # parsing every file would take seconds
        return []
    found = vague_python(text) if path.suffix == ".py" else vague_lines(text)
    return [f"{path.relative_to(ROOT)}:{line}: {word}" for line, word in found]


def test_texts_avoid_vague_words():
    found = [line for path in texts() for line in vague_words(path)]

    assert not found, "\n".join(["Name the person, service or thing that is meant:", *found])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('def f():\n    """Wait until\n    somebody\'s order ends."""\n', 3),
        ("x = 1  # Nobody reads it.\n", 1),
        ('raise ValueError("whoever sent it")\n', 1),
        ('raise ValueError(f"{x} begins anew")\n', 1),
        ('x = "goods of which there is none"\n', 1),
    ],
)
def test_vague_python_finds_docstrings_comments_and_messages(source, line):
    assert [found for found, _ in vague_python(source)] == [line]


@pytest.mark.parametrize("source", ['x = "nobody"\n', "nobody = 1\n", 'x = "postgresql://nobody@127.0.0.1/ a"\n'])
def test_vague_python_ignores_names_and_ids(source):
    assert list(vague_python(source)) == []


def test_vague_lines_finds_each_line_of_a_page():
    assert list(vague_lines("# Page\n\nNobody's\nfault, of which\nthere is none\n")) == [
        (3, "Nobody"),
        (4, "of which\nthere is none"),
    ]
