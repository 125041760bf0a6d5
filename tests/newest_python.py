"""Print the newest Python of this machine if its minor version is above this one's, or nothing.

`.ci/run` tests on it too. Looks at `python3.N` on PATH and at the versions that pyenv installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ASK = "import sys; print(*sys.version_info[:3])"


def candidates() -> Iterator[Path]:
    """Files that may be a Python 3."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from Path(folder).glob("python3.[0-9][0-9]")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (pyenv / "versions").glob("3.*/bin/python")


def version_of(python: Path) -> tuple[int, ...] | None:
    """(3, 13, 0), or None if it does not run (a shim of a version that is switched off)."""
    try:
        asked = subprocess.run([python, "-c", ASK], capture_output=True, text=True, timeout=30)
        return tuple(map(int, asked.stdout.split())) or None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def newest() -> Path | None:
    """The newest one above this Python's own minor version."""
    found = {version: path for path in candidates() if (version := version_of(path))}
    newer = [version for version in found if version[:2] > sys.version_info[:2]]
    return found[max(newer)] if newer else None


if __name__ == "__main__":
    print(newest() or "")
