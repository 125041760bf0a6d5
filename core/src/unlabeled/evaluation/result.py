"""What an evaluation found, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from unlabeled.evaluation.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the pretrained encoder, the random ones, or hand-made features.

    score: the metric, of several encoders their mean; sd: between the encoders, None for one;
    scores: of each of several, in the order of their seeds; targets: the score of each target, of
    which `score` is the mean.
    """

    name: str
    kind: Literal["pretrained", "random", "features"]
    width: int
    score: float
    interval: Interval
    targets: Mapping[str, float]
    sd: float | None = None
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pretrained encoder's score minus that of `against`, on the same resamples.

    outcome: "win" where the interval lies above 0, "loss" where it lies below, else "open".
    """

    against: str
    difference: float
    interval: Interval
    outcome: Literal["win", "loss", "open"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A judgement of one encoder on one labels table.

    data, labels: where they lie, empty where the data are private; outcome: that of the comparison
    with the mean of the random encoders; unit: what a label is about, items, nodes or stretches;
    items, groups: so many of them that were tested; notes: what a reader of the table must know.
    """

    name: str
    data: str
    labels: str
    targets: tuple[str, ...]
    task: str
    probe: Mapping[str, Any]
    probe_because: str
    metric: str
    output: str
    splits: str
    unit: str
    items: int
    groups: int
    unmatched_rows: int
    unmatched_items: int
    skipped: int
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    outcome: Literal["win", "loss", "open"]
    notes: tuple[str, ...]
    seeds: tuple[int, ...]
    resamples: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Evaluation:
        """The inverse of `to_dict`, also after JSON. Raises KeyError or TypeError."""
        known = {name: fields[name] for name in cls.__dataclass_fields__}
        known["rows"] = tuple(
            Row(
                **{
                    **row,
                    "interval": Interval(**row["interval"]),
                    "scores": tuple(row.get("scores", ())),
                }
            )
            for row in known["rows"]
        )
        known["comparisons"] = tuple(
            Comparison(**{**each, "interval": Interval(**each["interval"])})
            for each in known["comparisons"]
        )
        for name in ("targets", "notes", "seeds"):
            known[name] = tuple(known[name])
        return cls(**known)

    def verdict(self) -> list[str]:
        """One sentence per comparison."""
        words = {"win": "better than", "loss": "worse than", "open": "not told apart from"}
        many = self.rows[0].sd is not None
        subject = "The pretrained encoders are on average" if many else "The pretrained encoder is"
        return [
            f"{subject} {words[c.outcome]} {c.against} "
            f"({c.difference:+.3f} {self.metric}, 95 % interval "
            f"{c.interval.low:+.3f} to {c.interval.high:+.3f})."
            for c in self.comparisons
        ]

    def lines(self) -> list[dict[str, str]]:
        """The table as text, one mapping of equal keys per row."""
        compared = {comparison.against: comparison for comparison in self.comparisons}
        return [self._line(row, compared.get(row.name)) for row in self.rows]

    def _line(self, row: Row, comparison: Comparison | None) -> dict[str, str]:
        return {
            "embedding": row.name,
            "width": str(row.width),
            self.metric: f"{row.score:.3f}" + (f" ± {row.sd:.3f}" if row.sd is not None else ""),
            "95 %": _span(row.interval),
            "pretrained − this": f"{comparison.difference:+.3f}" if comparison else "",
            "95 % (paired)": _span(comparison.interval, "+") if comparison else "",
            "outcome": comparison.outcome if comparison else "",
        }


def compare(against: str, difference: float, interval: Interval) -> Comparison:
    """Name the outcome of a paired difference."""
    outcome: Literal["win", "loss", "open"] = "open"
    if interval.low > 0:
        outcome = "win"
    elif interval.high < 0:
        outcome = "loss"
    return Comparison(against, difference, interval, outcome)


def _span(interval: Interval, sign: str = "") -> str:
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}"
