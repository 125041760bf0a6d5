"""`unlabeled forget`: remove one group from a run or a table of embeddings."""

from __future__ import annotations

from pathlib import Path

from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json


def forget(path: Path, *, group: str, json: Json = False) -> None:
    """Remove a group's rows, vectors and private entries, and list what still holds traces of it.

    Parameters
    ----------
    path
        A run, or a table that embed wrote.
    group
        The group's name, such as a patient's, or for private data its pseudonym.
    """
    from unlabeled.inference.forget import forget as remove

    done = remove(path, group)
    if json:
        print_json(done.to_dict())
        return
    for name, count in done.removed.items():
        console().print(f"removed {count} from {name}")
    console().print("still holds traces:")
    for line in done.remains:
        console().print(f"  {line}")
