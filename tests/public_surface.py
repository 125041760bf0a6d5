"""The names of the core that plugins import, one per line: `unlabeled.contract.Reader.index`.

`python tests/public_surface.py` writes the inventory anew. It is read off the sources of the
plugins and of `new-plugin`'s template. Beside that it holds the modules that are promised whole,
used or not, and of each class its public members, those that it inherits inside the core included.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "tests" / "public_surface.txt"
CORE = "unlabeled"
TEMPLATE = ROOT / "core" / "src" / CORE / "template"
PROMISED = (CORE, f"{CORE}.contract", f"{CORE}.conformance")


def surface() -> str:
    """The inventory as it should be, sorted."""
    names = {name for file in readers() for name in used_in(parsed(file))}
    names |= {f"{m}.{name}" for m in PROMISED for name in importlib.import_module(m).__all__}
    lines = {line for name in names for line in (name, *members(name))}
    return "\n".join(sorted(lines)) + "\n"


def readers() -> list[Path]:
    """The files that stand for everybody who builds on the core."""
    return sorted([*(ROOT / "plugins").glob("*/src/**/*.py"), *TEMPLATE.rglob("*.py.tmpl")])


def parsed(file: Path) -> ast.Module:
    """A source, or a template whose placeholders became names."""
    return ast.parse(re.sub(r"\$\{?(\w+)\}?", r"\1", file.read_text(encoding="utf-8")))


def used_in(tree: ast.Module) -> Iterator[str]:
    """`unlabeled.contract.Reader` for each name that a file takes out of the core.

    Of a module that is imported whole, the attributes that are used.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _of_the_core(node.module or ""):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if _is_module(name):
                    yield from _attributes(tree, alias.asname or alias.name, name)
                else:
                    yield name


def _of_the_core(module: str) -> bool:
    return module == CORE or module.startswith(f"{CORE}.")


def _attributes(tree: ast.Module, alias: str, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == alias:
            yield f"{module}.{node.attr}"


def _is_module(name: str) -> bool:
    return isinstance(resolved(name), ModuleType)


def resolved(name: str) -> object:
    """What stands behind `unlabeled.contract.Reader`; a module where there is no such attribute."""
    module, _, attribute = name.rpartition(".")
    found = importlib.import_module(module)
    return getattr(found, attribute, None) or importlib.import_module(name)


def members(name: str) -> list[str]:
    """The public members of a class of the core; none of anything else."""
    found = resolved(name)
    if not isinstance(found, type):
        return []
    return [f"{name}.{m}" for c in found.__mro__ if _of_the_core(c.__module__) for m in own(c)]


@cache
def own(found: type) -> tuple[str, ...]:
    """The public names that the class statement itself defines."""
    [statement] = ast.parse(textwrap.dedent(inspect.getsource(found))).body
    assert isinstance(statement, ast.ClassDef)
    return tuple(name for name in _names(statement.body) if not name.startswith("_"))


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


if __name__ == "__main__":
    INVENTORY.write_text(surface(), encoding="utf-8")
