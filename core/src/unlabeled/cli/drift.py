"""`unlabeled drift`: compare new data with a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from unlabeled.cli.catalogue import Json, Positive
from unlabeled.cli.printing import console, print_json, print_table

DRIFTED = 7
"""The exit code where the new data differ."""

Level = Annotated[float, Parameter(validator=validators.Number(gt=0, lt=1))]


def drift(
    reference: Path,
    new: Path,
    *,
    level: Level = 0.05,
    resamples: Positive = 200,
    count: Positive = 10,
    json: Json = False,
) -> int:
    """Compare two tables of embeddings, and name the new items that are most unlike the reference.

    Exit code 0: nothing found; 7: the new data differ from the reference.

    Parameters
    ----------
    reference
        A Parquet file that `unlabeled embed` wrote, of data as they should be.
    new
        The same of new data, by the same run.
    level
        The share of false alarms that is accepted, 0 to 1.
    resamples
        Number of random permutations of the groups.
    count
        How many of the most unlike items are named.
    """
    from unlabeled.evaluation.drift import drift as compare

    found = compare(reference, new, level=level, resamples=resamples, count=count)
    if json:
        print_json(found.to_dict())
        return DRIFTED if found.drifted else 0
    out = console()
    out.print(found.verdict)
    for note in found.notes:
        out.print(f"  note: {note}")
    measures = [
        {
            "measure": each.name,
            "found": f"{each.found:.3g}",
            f"usual below ({1 - level:.0%})": f"{each.threshold:.3g}",
            "p": f"{each.p:.3f}",
        }
        for each in found.measures
    ]
    print_table(measures, right=list(measures[0])[1:])
    out.print("most unlike the reference (distance to its items, as a multiple of theirs):")
    print_table(
        [
            {"item": each.id, "group": each.group, "distance": f"{each.distance:.2f}"}
            for each in found.unlike
        ],
        right=["distance"],
    )
    return DRIFTED if found.drifted else 0
