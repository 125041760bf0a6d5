"""`unlabeled select`: which run and which checkpoint to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unlabeled.cli.catalogue import Json, Positive
from unlabeled.cli.printing import console, print_json, print_table
from unlabeled.cli.use import Share


def select(
    *runs: Annotated[Path, Parameter(required=True)],
    data: Path,
    labels: Path | None = None,
    target: tuple[str, ...] = (),
    count: Positive = 512,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Rank runs and checkpoints by RankMe, without labels; with labels, rate that choice.

    All embed the same items, because ranks are comparable only then.

    Parameters
    ----------
    runs
        Runs that read the same data.
    data
        The folder or file whose items are embedded.
    labels
        A table as for unlabeled evaluate: every candidate is probed too, and measures are compared
        with the scores.
    target
        Which column to predict; may be given several times. The only one, if left out.
    count
        How many items are embedded.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.evaluation.select import select as rank

    found = rank(
        runs,
        data,
        labels,
        target=target,
        count=count,
        unreadable=unreadable,
        max_skipped=max_skipped,
    )
    if json:
        print_json(found.to_dict())
        return
    out = console()
    out.print(f"{data}: {found.items} items embedded by all, {found.columns} columns compared")
    for note in found.notes:
        out.print(f"  note: {note}")
    rows = [
        {
            "run": each.run,
            "step": "end" if each.step is None else str(each.step),
            "RankMe": f"{each.rank_me:.1f}",
            "α-ReQ": f"{each.alpha_req:.2f}",
            "LiDAR": "" if each.lidar is None else f"{each.lidar:.1f}",
            "uniformity": f"{each.uniformity:.2f}",
            "spread": f"{each.feature_std:.2f}",
            **({found.metric: f"{each.score:.3f}"} if each.score is not None else {}),
        }
        for each in found.candidates
    ]
    print_table(rows, right=list(rows[0])[1:])
    best = found.best
    out.print(f"keep {best.run}, {'at its end' if best.step is None else f'step {best.step}'}")
    if found.lost is not None:
        out.print(f"that costs {found.lost:.3f} {found.metric} beside the best of these")
        for name, value in found.correlations.items():
            out.print(f"  {name} with {found.metric}: rank correlation {_number(value)}")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.2f}"
