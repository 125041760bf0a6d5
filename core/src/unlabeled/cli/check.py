"""`unlabeled check`: the conformance kit on an installed plugin."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from unlabeled import discovery
from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json, print_table
from unlabeled.errors import UsageError

if TYPE_CHECKING:
    from unlabeled.conformance import Check


def check(
    modality: str,
    *,
    only: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    json: Json = False,
) -> int:
    """Run every check of the contract on a plugin.

    Ends with exit code 1 if a check fails.

    Parameters
    ----------
    modality
        The plugin's name.
    only
        Run only the checks with one of these words in their name or as their clause, such as
        `teachers P6 pretexts/ssast`.
    """
    from unlabeled.conformance import checks_for

    plugin = discovery.usable(modality).plugin
    assert plugin is not None
    listed = checks_for(plugin)
    unproven = _never_shown_to_learn(listed)
    rows = []
    for found in _chosen(listed, only):
        row = _run(found)
        rows.append(row)
        if not json and row["result"] == "failed":
            console().print(f"{row['check']}: {row['seen']}\n  usually: {row['hint']}")
    failed = sum(row["result"] == "failed" for row in rows)
    if json:
        print_json(
            {
                "plugin": modality,
                "failed": failed,
                "never_shown_to_learn": unproven,
                "checks": rows,
            }
        )
    else:
        _print_summary(modality, rows, unproven, left_out=len(listed) - len(rows))
    return 1 if failed else 0


def _chosen(listed: Sequence[Check], only: Sequence[str]) -> list[Check]:
    """Raises UsageError if a word fits no check."""
    for word in only:
        if not any(_fits(found, word) for found in listed):
            titles = sorted({f"{found.clause.title} ({found.clause.id})" for found in listed})
            raise UsageError(f"--only {word}: no check has it. There are: {', '.join(titles)}.")
    return [found for found in listed if not only or any(_fits(found, word) for word in only)]


def _fits(found: Check, word: str) -> bool:
    return word in found.name or word == found.clause.id


def _never_shown_to_learn(listed: Sequence[Check]) -> list[str]:
    """Pretexts that are not required to beat random encoders, or a filter, on toy data."""
    return [
        found.name.split("/")[1]
        for found in listed
        if found.clause.id in ("L1", "L2") and found.expected_failure
    ]


def _print_summary(
    modality: str, rows: Sequence[dict[str, Any]], unproven: Sequence[str], *, left_out: int
) -> None:
    shown = ("check", "clause", "result", "seconds", "reason")
    print_table([{key: row[key] for key in shown} for row in rows], right=["seconds"])
    counts = Counter(row["result"] for row in rows)
    console().print(
        f"{modality}: of {len(rows)} checks {counts['holds']} hold, "
        f"{counts['expected failure']} are expected failures, {counts['failed']} failed"
        + (f"; {left_out} were left out by --only" if left_out else "")
    )
    if unproven:
        console().print(f"pretexts never shown to learn: {len(unproven)} ({', '.join(unproven)})")


def _run(found: Check) -> dict[str, Any]:
    """One row of the table; an exception of any kind is a failure of the component."""
    start = time.perf_counter()
    result, seen = "expected failure" if found.expected_failure else "holds", ""
    if not found.expected_failure:
        try:
            found.run()
        except Exception as error:  # noqa: BLE001 - a stranger's code: anything can happen
            result, seen = "failed", f"{type(error).__name__}: {error}"
    return {
        "check": found.name,
        "clause": found.clause.id,
        "promise": found.clause.promise,
        "result": result,
        "seconds": f"{time.perf_counter() - start:.1f}",
        "reason": found.expected_failure,
        "seen": seen,
        "hint": found.clause.hint,
    }
