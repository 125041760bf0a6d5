"""The first thing on the page: what was learnt, beside what, how sure; or what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unlabeled.evaluation.bootstrap import FEW_GROUPS
from unlabeled.evaluation.result import Comparison, Evaluation
from unlabeled.report.run_data import RunData

Tone = Literal["good", "caution", "bad", "open"]
WORDS: dict[Tone, str] = {
    "good": "Learnt",
    "caution": "Take care",
    "bad": "Problem",
    "open": "Not judged yet",
}
"""Each colour in words: nobody has to see it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """sentence: what is known; numbers: behind it; advice: what to do next, may be empty; commands:
    that do it."""

    tone: Tone
    sentence: str
    advice: str = ""
    commands: tuple[str, ...] = ()
    numbers: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.tone]


def verdict(run: RunData) -> Verdict:
    """Of the newest evaluation; without one, of the training so far."""
    if run.manifest.failed:
        return Verdict("bad", f"The run failed: {run.manifest.failed}")
    if run.last("health_collapsed"):
        return _collapsed(run)
    if run.evaluations:
        return _evaluated(run)
    return _trained(run)


def _collapsed(run: RunData) -> Verdict:
    spread = run.last("health_feature_std")
    rank = run.last("health_centred_rank")
    numbers = f" (spread {spread:.3f}, rank {rank:.1f})" if spread is not None and rank else ""
    return Verdict(
        "bad",
        f"The embeddings have collapsed at step {run.steps:,}{numbers}: all items look nearly "
        "alike to the encoder, whatever the loss says.",
        "Try a lower learning rate with a warm-up, a larger batch, stronger views, or an objective "
        "with a variance term (vicreg, barlow_twins); then train again.",
    )


def _evaluated(run: RunData) -> Verdict:
    newest, *others = run.evaluations
    found = judge(newest)
    count = len(others)
    more = f"{count} more evaluation{'s' * (count != 1)} below." if others else ""
    return replace(
        found,
        sentence=f"{_progress(run)}{found.sentence}",
        advice=" ".join(filter(None, [found.advice, more])),
    )


def judge(found: Evaluation) -> Verdict:
    """The colour, the sentence and the advice for one evaluation."""
    first, *others = found.comparisons
    random = first.against.removesuffix(" (mean)")
    behind = [each.against for each in others if each.outcome != "win"]
    if first.outcome == "loss":
        tone, ending, advice = "bad", f"worse than {random}", LOST
    elif first.outcome == "open":
        tone, ending, advice = "caution", f"not measurably better than {random}", OPEN
    elif behind:
        ending = f"better than {random}, but not better than {_list(behind)}"
        tone, advice = "caution", BEHIND
    else:
        beside = f" and {_list([each.against for each in others])}" if others else ""
        tone, ending, advice = "good", f"better than {random}{beside}", ""
    return Verdict(
        tone,  # type: ignore[arg-type]
        f"{_subject(found)} {ending}.",
        " ".join(filter(None, [_few(found), advice])),
        numbers=_numbers(found),
    )


LOST = (
    "Pretraining did harm here. Look at the views and the health below, and train longer, or on "
    "data that are more like these."
)
OPEN = (
    "Train longer or on more data, or evaluate with more labelled groups: the interval says how "
    "little is known."
)
BEHIND = "Something simpler does as well: train longer, on more data, or use the simpler one."


def _subject(found: Evaluation) -> str:
    """Who does what: "The encoder predicts digit", "In medical/segmentation of mask it is"."""
    row = found.rows[0].name
    of = "" if row == "pretrained" else f" ({row})"
    if found.about.get("probe"):
        return f"The encoder{of} predicts {_list(found.targets)}"
    return f"In {found.title} the encoder{of} is"


def _numbers(found: Evaluation) -> str:
    """The score and how much better than others, with intervals."""
    row, unit = found.rows[0], f" {found.headline.unit}" if found.headline.unit else ""
    span = f" ({row.interval.low:.3f} to {row.interval.high:.3f})" if row.interval else ""
    score = "undefined" if row.score is None else f"{row.score:.3f}{unit}{span}"
    over = f"over {found.items:,} {found.unit} of {found.groups:,} groups"
    beside = "; ".join(map(_named, found.comparisons))
    return f"{found.metric} {score} {over}. Difference to {beside}. With 95 % intervals."


def _named(each: Comparison) -> str:
    if each.difference is None or each.interval is None:
        return f"{each.against} undefined"
    low, high = each.interval.low, each.interval.high
    return f"{each.against} {each.difference:+.3f} ({low:+.3f} to {high:+.3f})"


def _list(several: Sequence[str]) -> str:
    *most, last = several
    return f"{', '.join(most)} and {last}" if most else last


def _few(found: Evaluation) -> str:
    if found.groups < FEW_GROUPS:
        return f"Rough: {found.groups} groups are few, and the intervals rather too narrow."
    return ""


def _progress(run: RunData) -> str:
    if run.manifest.status == "finished":
        return ""
    return f"Not finished (step {run.steps:,} of {run.manifest.total_steps:,}). "


def _trained(run: RunData) -> Verdict:
    health = _health(run)
    if run.manifest.status == "finished":
        return Verdict(
            "open",
            f"Trained to the end{health}. Whether it has learnt what you need is not known: a loss "
            "says nothing about that.",
            "Evaluate it on data with labels:",
            _evaluate(run),
        )
    where = f"step {run.steps:,} of {run.manifest.total_steps:,}"
    if run.manifest.status == "running" and not run.ended:
        advice = "Its last checkpoint can be evaluated already:"
        return Verdict("open", f"Training: {where}{health}.", advice, _evaluate(run))
    minutes = f", with nothing new for {run.quiet / 60:,.0f} minutes" if run.ended else ""
    return Verdict(
        "caution",
        f"Not finished: it ended at {where}{minutes}{health}.",
        "Go on with it:",
        ("unlabeled pretrain --resume RUN",),
    )


def _evaluate(run: RunData) -> tuple[str, ...]:
    if run.restores:
        return ("unlabeled evaluate RUN DATA --assess NAME",)
    return ("unlabeled evaluate RUN DATA --labels labels.csv",)


def _health(run: RunData) -> str:
    rank, spread = run.last("health_effective_rank"), run.last("health_feature_std")
    if rank is None or spread is None:
        return ""
    return f", and the embeddings still differ (effective rank {rank:.1f}, spread {spread:.2f})"
