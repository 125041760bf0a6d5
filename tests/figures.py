"""How our own house measures, package by package: `python tests/figures.py`.

Lines of modules and functions (median / 90th percentile), the share of arguments with a type, and
the share of public functions on arrays whose docstring gives a shape such as (N, D).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
WORDS = r"(?:batches|bands|bins|count|frames|rows|size|voxels)(?=,)"
FIRST = rf"(?:[A-Z]\w*|[a-z]|[a-z]+(?=,\))|{WORDS}|\d+|\.\.\.|…|\*S)"
SHAPE = re.compile(rf"\(\)|\({FIRST}?(?:,\s*[\w.…*/+ ]*)+\)")
ARRAY = re.compile(r"\b(Tensor|ndarray|NDArray|Array)\b")
NAMED = re.compile(r"\b(dict|Mapping|Iterable)\[(tuple\[)?str, Tensor\]?\]")
"""Weights by their names have no shape to speak of."""
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> None:
    print(f"{'package':34}{'modules':>10}{'functions':>12}{'typed':>8}{'shapes':>8}")
    for package in (ROOT / "core", *sorted((ROOT / "plugins").iterdir())):
        trees = [
            (len(text.splitlines()), ast.parse(text))
            for file in sorted((package / "src").rglob("*.py"))
            if (text := file.read_text(encoding="utf-8")).strip()
        ]
        print(line(str(package.relative_to(ROOT)), trees))


def line(name: str, trees: list[tuple[int, ast.Module]]) -> str:
    nodes = [node for _, tree in trees for node in ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, FUNCTIONS)]
    modules = spread([length for length, _ in trees])
    lengths = spread([node.end_lineno - node.lineno + 1 for node in functions])
    return f"{name:34}{modules:>10}{lengths:>12}{typed(functions):>8.0%}{shaped(nodes):>8.0%}"


def spread(lengths: list[int]) -> str:
    middle, high = np.percentile(lengths, [50, 90])
    return f"{middle:.0f} / {high:.0f}"


def typed(functions: list[FUNCTIONS]) -> float:
    """The share of arguments, but self and cls, that carry a type."""
    given = [
        argument.annotation is not None
        for function in functions
        for argument in (*function.args.args, *function.args.kwonlyargs)
        if argument.arg not in ("self", "cls")
    ]
    return float(np.mean(given))


def shaped(nodes: list[ast.AST]) -> float:
    """The share of public functions that take or return arrays whose docstring gives a shape."""
    return float(np.mean([gives_shape(node) for node in nodes if takes_arrays(node)]))


def takes_arrays(node: ast.AST) -> bool:
    """Whether it is a public function with a docstring of its own, and an array in its types."""
    if not isinstance(node, FUNCTIONS) or node.name.startswith("_") or not ast.get_docstring(node):
        return False
    arguments = (*node.args.args, *node.args.kwonlyargs)
    types = [argument.annotation for argument in arguments] + [node.returns]
    texts = [NAMED.sub("", ast.unparse(each)) for each in types if each is not None]
    return any(map(ARRAY.search, texts))


def gives_shape(node: ast.AST) -> bool:
    """As (N, D), or in words: "of the grid's shape"."""
    text = ast.get_docstring(node) or ""
    return bool(SHAPE.search(text)) or "shape" in text


if __name__ == "__main__":
    main()
