"""Which of cosmic-ray's mutations change nothing that computes, and are not run."""

from __future__ import annotations

import ast
import re

UNUSED = re.compile(
    r"core/(RemoveDecorator|ReplaceComparisonOperator_(Is(Not)?_(?!Is)|(?!Is).*_Is(Not)?$))"
)
"""Operators that change what does not compute: decorators, and identity for equality."""

Place = tuple[int, int]
"""Line from 1, and column."""

Span = tuple[Place, Place]


def uncomputed(source: str) -> list[Span]:
    """Return where decorators and annotations stand, from and to."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found += node.decorator_list
        if isinstance(node, (ast.arg, ast.AnnAssign)):
            found.append(node.annotation)
        if isinstance(node, ast.FunctionDef):
            found.append(node.returns)
    return [
        ((e.lineno, e.col_offset), (e.end_lineno or e.lineno, e.end_col_offset or 0))
        for e in found
        if e is not None
    ]


def is_skipped(operator: str, start: Place, spans: list[Span]) -> bool:
    """Tell whether a mutation by an operator, from a place on, changes nothing that computes."""
    if UNUSED.match(operator):
        return True
    return any(first <= start < last for first, last in spans)
