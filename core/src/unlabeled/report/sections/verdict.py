"""The first thing on the page: what was learnt, beside what, how sure; or what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """sentence: what is known; advice: what to do next, may be empty; commands: that do it."""

    tone: Tone
    sentence: str
    advice: str = ""
    commands: tuple[str, ...] = ()

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
    tone, sentence, advice = judge(newest)
    progress = _progress(run)
    if others:
        count = len(others)
        advice += f" {count} more evaluation{'s' * (count != 1)} below."
    return Verdict(tone, f"{progress}{sentence}", advice.strip())


def judge(found: Evaluation) -> tuple[Tone, str, str]:
    """The colour, the sentence and the advice for one evaluation."""
    first, *others = found.comparisons
    won = [each for each in found.comparisons if each.outcome == "win"]
    behind = [each for each in others if each.outcome != "win"]
    subject = f"{found.title}: {_score(found)}"
    if first.outcome == "loss":
        return "bad", f"{subject}, worse than {_named(first)}.", _ADVICE["loss"]
    if first.outcome == "open":
        sentence = f"{subject}, which is not told apart from {_named(first)}."
        return "caution", sentence, _ADVICE["open"]
    sentence = f"{subject}, better than {_list(won)}"
    if behind:
        return "caution", f"{sentence}, but not than {_list(behind)}.", _ADVICE["behind"]
    tone: Tone = "good"
    return tone, f"{sentence}.", _sureness(found)


_ADVICE = {
    "loss": "Pretraining did harm here. Look at the views and the health below, and train longer "
    "or on data that are more like these.",
    "open": "Train longer or on more data, or evaluate with more labelled groups: the interval "
    "says how little is known.",
    "behind": "Something simpler does as well: train longer, on more data, or use the simpler one.",
}


def _score(found: Evaluation) -> str:
    row, unit = found.rows[0], f" {found.headline.unit}" if found.headline.unit else ""
    if row.score is None:
        return f"{found.metric} is undefined"
    low_to_high = row.interval and f"{row.interval.low:.3f} to {row.interval.high:.3f}"
    span = f", 95 % interval {low_to_high}" if low_to_high else ""
    over = f"over {found.items:,} {found.unit} of {found.groups:,} groups"
    return f"{found.metric} {row.score:.3f}{unit}{span}, {over}"


def _named(each: Comparison) -> str:
    if each.difference is None or each.interval is None:
        return each.against
    low, high = each.interval.low, each.interval.high
    return f"{each.against} ({each.difference:+.3f}, {low:+.3f} to {high:+.3f})"


def _list(several: Sequence[Comparison]) -> str:
    *most, last = map(_named, several)
    return f"{', '.join(most)} and {last}" if most else last


def _sureness(found: Evaluation) -> str:
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
        return Verdict("open", f"Training: {where}{health}.", "Its checkpoints can be evaluated:")
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
