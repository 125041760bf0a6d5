"""Columns of dates as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.columns import is_text

YEAR = 365.25 * 86_400
"""Seconds."""

START = np.datetime64("2000-01-01", "s")


def years_since_2000(column: pa.ChunkedArray) -> np.ndarray | None:
    """Years of 365.25 days, (N,) float64, as `seconds_since_2000` gives seconds."""
    seconds = seconds_since_2000(column)
    return None if seconds is None else seconds / YEAR


def seconds_since_2000(column: pa.ChunkedArray) -> np.ndarray | None:
    """(N,) float64, NaN for empty fields; None if the column holds anything but dates.

    Text counts where every field is an ISO date, with or without a time.
    """
    if is_text(column.type):
        column = _of_text(column)
    if column is None or not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        return None
    moments = pc.cast(column, pa.timestamp("s"), safe=False).to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(moments), np.nan, (moments - START).astype(np.float64))


def _of_text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    iso = pc.match_substring_regex(column, r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?Z?$")
    if not pc.all(iso).as_py() or column.null_count == len(column):
        return None
    try:
        return pc.cast(column, pa.timestamp("s"))
    except pa.ArrowInvalid:  # with a zone, or no day of the calendar
        try:
            return pc.cast(pc.cast(column, pa.timestamp("s", "UTC")), pa.timestamp("s"))
        except pa.ArrowInvalid:
            return None
