"""Dates in file names and tables, with or without a time of day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

EXPECTED = "a date such as 2017-06-13, 20170613T101031 or 2017164 (day of the year)"

DATE = re.compile(
    r"""A?(?P<year>\d{4})[-_./]?
    (?: (?P<month>\d\d)[-_./]?(?P<day>\d\d) | (?P<of_year>\d{3}) )
    (?: [Tt_\ -]? (?P<hour>\d\d)[:-]?(?P<minute>\d\d) (?: [:-]?(?P<second>\d\d)(?:[.,]\d+)? )?
        (?: [Zz] | (?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d) )? )?
    """,
    re.VERBOSE,
)
"""Lengths alone distinguish days of the year from months: 2017164 and 2017164101031 from
20170613."""


def parse_date(text: str) -> datetime:
    """In UTC and without a time zone; without a time of day midnight. Raises ValueError."""
    found = DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no date")
    year, month, day, of_year, hour, minute, second = (
        int(found[name] or 0)
        for name in ("year", "month", "day", "of_year", "hour", "minute", "second")
    )
    moment = datetime(year, month or 1, day or 1, hour, minute, min(second, 59))
    if found["of_year"]:
        moment += timedelta(days=of_year - 1)
        if moment.year != year:
            raise ValueError(f"{text!r} is no day of {year}")
    if found["sign"]:
        away = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        moment -= away if found["sign"] == "+" else -away
    return moment


def date_text(date: datetime) -> str:
    """As it stands in the id of an item: 20170613T101031, or 20170613 without a time of day."""
    return f"{date:%Y%m%dT%H%M%S}".removesuffix("T000000")
