"""The names that plugins build on: none vanishes or appears unless its line changes with it.

`python tests/test_public_surface.py` writes the inventory anew.
"""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent
INVENTORY = TESTS / "public_surface.txt"
SOURCE = TESTS.parent / "core" / "src" / "unlabeled"

MODULES = (
    "__init__.py",
    "conformance/__init__.py",
    "contract/*.py",
    "data/items.py",
    "data/listing.py",
    "data/signature.py",
    "data/sources.py",
    "distributed.py",
    "errors.py",
    "plugin.py",
    "randomness.py",
    "settings.py",
)


def surface() -> str:
    """One line per public name, and per public member of a class: `contract.Reader.index`."""
    lines = {
        f"{_module(file)}.{name}"
        for pattern in MODULES
        for file in SOURCE.glob(pattern)
        for name in _names(ast.parse(file.read_text(encoding="utf-8")).body)
    }
    return "\n".join(sorted(lines)) + "\n"


def _module(file: Path) -> str:
    """As plugins name it: all of `contract/` is imported from `unlabeled.contract`."""
    name = file.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
    return "contract" if name.startswith("contract.") else name


def _names(body: list[ast.stmt]) -> list[str]:
    found: list[str] = []
    for node in body:
        if isinstance(node, ast.ClassDef):
            found += [node.name, *(f"{node.name}.{inner}" for inner in _names(node.body))]
        elif isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
        elif isinstance(node, ast.Assign):
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
            found += ast.literal_eval(node.value) if targets == ["__all__"] else targets
    return [name for name in found if not any(p.startswith("_") for p in name.split("."))]


def test_the_inventory_is_true():
    there, listed = set(surface().split()), set(INVENTORY.read_text(encoding="utf-8").split())
    vanished, unannounced = sorted(listed - there), sorted(there - listed)
    assert not vanished, f"gone: say so in core/CHANGELOG.md, For plugin authors: {vanished}"
    assert not unannounced, f"new: run python {Path(__file__).name}: {unannounced}"


if __name__ == "__main__":
    INVENTORY.write_text(surface(), encoding="utf-8")
