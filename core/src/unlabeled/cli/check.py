"""`unlabeled check`: the conformance kit on an installed plugin."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from unlabeled import discovery
from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json, print_table


def check(modality: str, *, json: Json = False) -> int:
    """Run every check of the contract on a plugin, ours or anybody's.

    Ends with exit code 1 if a check fails.

    Parameters
    ----------
    modality
        The plugin's name.
    """
    from unlabeled.conformance import checks_for

    plugin = discovery.usable(modality).plugin
    assert plugin is not None
    rows = []
    for found in checks_for(plugin):
        row = _run(found)
        rows.append(row)
        if not json and row["result"] == "failed":
            console().print(f"{row['check']}: {row['seen']}\n  usually: {row['hint']}")
    failed = sum(row["result"] == "failed" for row in rows)
    if json:
        print_json({"plugin": modality, "failed": failed, "checks": rows})
    else:
        shown = ("check", "clause", "result", "seconds", "reason")
        print_table([{key: row[key] for key in shown} for row in rows], right=["seconds"])
        counts = Counter(row["result"] for row in rows)
        console().print(
            f"{modality}: of {len(rows)} checks {counts['holds']} hold, "
            f"{counts['excused']} are excused, {failed} failed"
        )
    return 1 if failed else 0


def _run(found: Any) -> dict[str, Any]:
    """One row of the table; an exception of any kind is a failure of the component."""
    start = time.perf_counter()
    result, seen = "excused" if found.excused else "holds", ""
    if not found.excused:
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
        "reason": found.excused,
        "seen": seen,
        "hint": found.clause.hint,
    }
