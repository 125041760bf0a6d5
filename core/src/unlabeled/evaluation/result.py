"""The result of an evaluation, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from unlabeled.evaluation.bootstrap import Interval
from unlabeled.wording import counted

FORMAT = 2
"""The version of `evaluation/<name>.json`."""

Outcome = Literal["win", "loss", "open"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the pretrained, random ones, hand-made baselines, or a rival.

    score: of several encoders the mean over those for which it is defined, None where it is for
    none; sd: between these, None for one; scores: of each of several, in the order of their seeds;
    width: of the embedding, if any.
    """

    name: str
    kind: Literal["pretrained", "random", "baseline", "rival"]
    width: int | None
    score: float | None
    interval: Interval | None
    sd: float | None = None
    scores: tuple[float | None, ...] = ()

    def shown(self) -> str:
        """ "0.812 ± 0.010", "12.300 (1 of 5)" where the score is undefined for some encoders."""
        known = sum(score is not None for score in self.scores)
        spread = "" if self.sd is None else f" ± {self.sd:.3f}"
        partly = f" ({known} of {len(self.scores)})" if 0 < known < len(self.scores) else ""
        return _number(self.score) + spread + partly


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pretrained compared with `against` on the same resamples: the difference of the scores,
    positive if the pretrained is better.

    outcome: "win" where the interval lies above 0, "loss" where it lies below, else "open".
    """

    against: str
    difference: float | None
    interval: Interval | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """One score of all rows. at: its condition ({"labels": 5}); unit: "dB", "mm" … or empty;
    outcome: that of the comparison with the mean of the random ones; added: the best baseline and
    the pretrained side by side compared with that baseline alone, None where they cannot be joined;
    together: the score of both."""

    metric: str
    higher_is_better: bool
    unit: str
    at: Mapping[str, str | int | float]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    outcome: Outcome
    added: Comparison | None = None
    together: float | None = None

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ScoreTable:
        """The inverse of `asdict`, also after JSON. Raises KeyError or TypeError."""
        known = {field.name: found[field.name] for field in fields(cls)}
        known["rows"] = tuple(
            Row(**{**_with_interval(row), "scores": tuple(row["scores"])}) for row in known["rows"]
        )
        known["comparisons"] = tuple(
            Comparison(**_with_interval(each)) for each in known["comparisons"]
        )
        if known["added"] is not None:
            known["added"] = Comparison(**_with_interval(known["added"]))
        return cls(**known)

    @property
    def heading(self) -> str:
        """The metric with its unit: "HD95, mm"."""
        return f"{self.metric}, {self.unit}" if self.unit else self.metric

    @property
    def condition(self) -> str:
        """ "labels 5, size 120"; empty where there is none."""
        return ", ".join(f"{name} {value}" for name, value in self.at.items())

    def lines(self) -> list[dict[str, str]]:
        """The table as text, one mapping of equal keys per row."""
        compared = {comparison.against: comparison for comparison in self.comparisons}
        return [self._line(row, compared.get(row.name)) for row in self.rows]

    def _line(self, row: Row, compared: Comparison | None) -> dict[str, str]:
        better = "pretrained − this" if self.higher_is_better else "this − pretrained"
        difference = compared.difference if compared else None
        width = {"width": str(row.width or "")} if any(each.width for each in self.rows) else {}
        return {
            "embedding": row.name,
            **width,
            self.heading: row.shown(),
            "95 %": _span(row.interval),
            better: "" if difference is None else f"{difference:+.3f}",
            "95 % (paired)": _span(compared.interval, "+") if compared else "",
            "outcome": compared.outcome if compared else "",
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of one assessment of a run.

    assessment: its name and settings; about: its choices (of the probe: task, probe,
    probe_because, splits); data, labels: their paths, empty for private data; unit: items, nodes,
    stretches or units; items, groups: numbers of tested ones; labelled_in_training,
    labelled_groups_in_training: numbers of units and groups that are not tested because their
    groups had labels in training; near_duplicates: pairs of nearly equal items of different
    groups; pretrained_on: items that the run was pretrained on, without labels; headline, further:
    tables of scores; notes: for readers of the tables.
    """

    name: str
    assessment: Mapping[str, Any]
    data: str
    labels: str
    targets: tuple[str, ...]
    output: str
    unit: str
    items: int
    groups: int
    unmatched_rows: int
    unmatched_items: int
    labelled_in_training: int
    labelled_groups_in_training: int
    skipped: int
    near_duplicates: int
    pretrained_on: int
    about: Mapping[str, Any]
    headline: ScoreTable
    further: tuple[ScoreTable, ...]
    notes: tuple[str, ...]
    seeds: tuple[int, ...]
    resamples: int

    @property
    def metric(self) -> str:
        return self.headline.metric

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.headline.rows

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        return self.headline.comparisons

    @property
    def outcome(self) -> Outcome:
        return self.headline.outcome

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the fields of the headline stand at the top."""
        found = asdict(self)
        headline = found.pop("headline")
        headline["score_unit"] = headline.pop("unit")
        return {"format": FORMAT, **found, **headline}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Evaluation:
        """The inverse of `to_dict`, also after JSON. Raises KeyError, TypeError or ValueError."""
        if found.get("format") != FORMAT:
            raise ValueError(f"format {found.get('format')!r} instead of {FORMAT}")
        own = [field.name for field in fields(cls) if field.name != "headline"]
        known = {name: found[name] for name in own}
        known["further"] = tuple(map(ScoreTable.from_dict, found["further"]))
        for name in ("targets", "notes", "seeds"):
            known[name] = tuple(known[name])
        headline = ScoreTable.from_dict({**found, "unit": found["score_unit"]})
        return cls(**known, headline=headline)

    @property
    def title(self) -> str:
        """ "classification of kind by logistic", "medical/segmentation of mask"."""
        of = f" of {', '.join(self.targets)}" if self.targets else ""
        if probe := self.about.get("probe"):
            return f"{self.about['task']}{of} by {probe['name']}"
        return f"{self.assessment['name']}{of}"

    def account(self) -> list[str]:
        """Sentences about the test."""
        splits = f", {self.about['splits']}" if "splits" in self.about else ""
        lines = [f"{self.items:,} {self.unit}, {counted(self.groups, 'group')}{splits}"]
        if self.labelled_in_training:
            lines.append(
                f"{self.labelled_in_training} {self.unit} of {self.labelled_groups_in_training} "
                "groups had labels in training and are not tested"
            )
        if probe := self.about.get("probe"):
            because = self.about["probe_because"]
            lines.append(f"{probe['name']}, scored by {self.metric}: {because}")
        shown = ("task", "probe", "probe_because", "splits")
        others = [f"{name}: {value}" for name, value in self.about.items() if name not in shown]
        return [*lines, *others]

    def verdict(self) -> list[str]:
        """One sentence per comparison."""
        words = {"win": "better than", "loss": "worse than", "open": "not distinguishable from"}
        many = self.rows[0].sd is not None
        subject = "The pretrained encoders are on average" if many else "The pretrained encoder is"
        metric = f"{self.headline.unit or ''} {self.metric}".strip()
        compared = [
            f"{subject} {words[c.outcome]} {c.against} "
            f"({_number(c.difference, '+')} {metric}, 95 % interval "
            f"{_span(c.interval, '+')})."
            for c in self.comparisons
        ]
        return [*compared, *self._added(metric)]

    def _added(self, metric: str) -> list[str]:
        """What the pretrained add to the best baseline, in a sentence."""
        added = self.headline.added
        if added is None:
            return []
        words = {"win": "is better than", "loss": "is worse than", "open": "does not differ from"}
        return [
            f"{added.against} with the pretrained beside it reaches "
            f"{_number(self.headline.together)} and {words[added.outcome]} {added.against} alone "
            f"({_number(added.difference, '+')} {metric}, 95 % interval "
            f"{_span(added.interval, '+')})."
        ]


def compare(against: str, difference: float | None, interval: Interval | None) -> Comparison:
    """Name the outcome of a paired difference, where positive is better."""
    outcome: Outcome = "open"
    if interval and interval.low > 0:
        outcome = "win"
    elif interval and interval.high < 0:
        outcome = "loss"
    return Comparison(against, difference, interval, outcome)


def _with_interval(found: Mapping[str, Any]) -> dict[str, Any]:
    given = found["interval"]
    return {**found, "interval": Interval(**given) if given else None}


def _number(value: float | None, sign: str = "") -> str:
    return "undefined" if value is None else f"{value:{sign}.3f}"


def _span(interval: Interval | None, sign: str = "") -> str:
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}" if interval else ""
