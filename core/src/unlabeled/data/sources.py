"""How a `source` names the files that an item is read from. Standard library only.

One file is its path. Several are their common folder and, in a second line, their relative paths as
JSON; a reader may nest them in lists by channel, with null for a missing one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def source_of(files: Sequence[Path]) -> str:
    """The source of an item that is read from these files."""
    if len(files) == 1:
        return str(files[0])
    folder = Path(os.path.commonpath([file.parent for file in files]))
    return f"{folder}\n{json.dumps([file.relative_to(folder).as_posix() for file in files])}"


def files_of(source: str) -> tuple[Path, ...]:
    """All files that a source names, also missing ones; nested lists are flattened."""
    folder, line, names = source.partition("\n[")
    if not line:
        return (Path(source),)
    try:
        return tuple(Path(folder) / name for name in _flat(json.loads(f"[{names}")))
    except ValueError:  # a file name may look like that
        return (Path(source),)


def _flat(names: Any) -> Iterator[str]:
    for name in names:
        if isinstance(name, list):
            yield from _flat(name)
        elif isinstance(name, str):
            yield name
