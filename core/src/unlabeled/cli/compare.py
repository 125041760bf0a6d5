"""`unlabeled compare`: which of several runs is better, and how sure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json, print_table
from unlabeled.cli.use import Share


def compare(
    *runs: Annotated[Path, Parameter(required=True)],
    data: Path,
    labels: Path | None = None,
    assess: str | None = None,
    target: tuple[str, ...] = (),
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Assess runs of any recipes on the same labels, and compare all pairs.

    Runs that differ by their seed alone count as one, whose score is their mean. Intervals hold for
    all pairs at once.

    Parameters
    ----------
    runs
        Runs, or their encoder folders.
    data
        The folder or file with the labelled items.
    labels
        A table as for unlabeled evaluate.
    assess
        Which assessment; that of the first run's recipe if left out.
    target
        Which column to predict; may be given several times. The only one, if left out.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.evaluation.compare_runs import compare_runs

    found = compare_runs(
        runs,
        data,
        labels,
        assess=assess,
        target=target,
        unreadable=unreadable,
        max_skipped=max_skipped,
    )
    if json:
        print_json(found.to_dict())
        return
    out = console()
    out.print(f"{data}: {found.items} {found.unit}, {found.groups} groups")
    for note in found.notes:
        out.print(f"  note: {note}")
    print_table(
        [
            {
                "run": each.name,
                "recipe": each.recipe,
                found.metric: f"{each.score:.3f}",
                "95 %": f"{each.interval.low:.3f} to {each.interval.high:.3f}",
            }
            for each in found.candidates
        ]
    )
    print_table(
        [
            {
                "better": each.first,
                "than": each.second,
                "by": f"{each.difference:+.3f}",
                "95 % (all pairs)": f"{each.interval.low:+.3f} to {each.interval.high:+.3f}",
                "p": f"{each.p:.3f}",
                "outcome": each.outcome,
            }
            for each in found.pairs
        ]
    )
