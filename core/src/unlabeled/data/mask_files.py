"""A target column whose values name mask files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.data.columns import is_text, plain
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError


def mask_files(labels: Labels, name: str, folder: Path) -> list[Path | None] | None:
    """The file of each row, relative to `folder`; None for rows without one.

    None if the column names no file, so that its values are classes or quantities. Raises
    DataError where some rows name files and others files that are not there, or one item has two.
    """
    column = labels.table[name]
    if pa.types.is_list(column.type):
        _refuse_several(labels, name, folder)
        return None
    if not is_text(plain(column).type):
        return None
    values = column.to_pylist()
    paths = [folder / value if value and Path(value).suffix else None for value in values]
    there = [path is not None and path.is_file() for path in paths]
    if not any(there):
        return None
    missing = [bool(value) and not found for value, found in zip(values, there, strict=True)]
    if any(missing):
        places = np.flatnonzero(missing)
        raise DataError(
            f"{labels.where(places)}, column {name}: expected a mask file, as in {sum(there)} "
            f"other rows, found none at {values[int(places[0])]!r}, relative to the table's folder"
        )
    return paths


def _refuse_several(labels: Labels, name: str, folder: Path) -> None:
    for row, values in enumerate(labels.table[name].to_pylist()):
        if any(Path(str(v)).suffix and (folder / str(v)).is_file() for v in values or ()):
            raise DataError(
                f"{labels.where([row])}, column {name}: expected one mask file for an item, found "
                f"{len(values)}. Join them in one file."
            )
