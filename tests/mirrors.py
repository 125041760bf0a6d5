"""Which source files have no test file of their own name, and which tests stand in for them.

`python tests/mirrors.py` writes `tests/unmirrored.txt` anew: a source, and the tests that
import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "unmirrored.txt"


def unmirrored() -> set[str]:
    """Sources with code, as paths in the tree, without a test file at the mirrored path."""
    return {str(file.relative_to(ROOT)) for file in sources() if not mirror_of(file).is_file()}


def sources() -> Iterator[Path]:
    for package in (ROOT / "core", *sorted((ROOT / "plugins").iterdir())):
        for file in sorted((package / "src").rglob("*.py")):
            if file.name != "__init__.py" and file.stat().st_size:
                yield file


def mirror_of(file: Path) -> Path:
    """`core/src/unlabeled/data/items.py` → `core/tests/data/test_items.py`."""
    package = next(parent for parent in file.parents if parent.name == "src").parent
    inside = Path(*file.relative_to(package / "src").parts[1:])
    return package / "tests" / inside.parent / f"test_{inside.name}"


def listed() -> dict[str, str]:
    """What is excepted so far, with the reason or the tests that stand in."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return dict(line.split("  ", 1) for line in lines if line)


def stand_ins(source: str) -> str:
    module = re.sub(r"^.*?src/", "", source).removesuffix(".py").replace("/", ".")
    folder, _, name = module.rpartition(".")
    named = re.compile(rf"\b{re.escape(module)}\b|from {re.escape(folder)} import [^\n]*\b{name}\b")
    tests = [
        *ROOT.glob("*/tests/**/*.py"),
        *ROOT.glob("plugins/*/tests/**/*.py"),
        *ROOT.glob("tests/*.py"),
    ]
    using = [str(t.relative_to(ROOT)) for t in sorted(tests) if named.search(t.read_text("utf-8"))]
    if using:
        return f"in {', '.join(using[:3])}"
    return "by the conformance kit or through what uses it; no test names it"


if __name__ == "__main__":
    lines = [f"{source}  {stand_ins(source)}" for source in sorted(unmirrored())]
    LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
