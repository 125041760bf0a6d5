"""Which run, and which checkpoint of it, without labels: measures of embeddings of the same items.

Ranks compare only at equal numbers of items and columns. All candidates embed the same items, and
of wider embeddings as many singular values count as the narrowest has columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.checkpoints import step_of
from unlabeled.contract import Encoder
from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits, Unreadable
from unlabeled.encoders.pooling import one_per_sample
from unlabeled.errors import DataError, RunError, UsageError
from unlabeled.evaluation.assessing import Entry, share
from unlabeled.evaluation.compare_runs import Question
from unlabeled.evaluation.evaluate import recipe_settings
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.export.checkpointed import encoder_of, method_recipe
from unlabeled.export.encoder import load_encoder, load_reader, read_config
from unlabeled.health import alpha_req, effective_rank, feature_std, lidar, uniformity
from unlabeled.inference.encoding import choose_output, device, encode
from unlabeled.inference.reading import Source, open_source
from unlabeled.labelled import seen_by
from unlabeled.progress import progress
from unlabeled.randomness import Draw, keyed_rng
from unlabeled.recipe import read_choice
from unlabeled.run_folder import RunFolder

ITEMS = 512
"""Items that are embedded, by default."""
VIEWED, VIEWS = 100, 10
"""LiDAR looks at so many views of so many of them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One encoder of a run. step: of its checkpoint, None for the finished one.

    rank_me, alpha_req, lidar, uniformity, feature_std: see `unlabeled.health`; lidar is None where
    the recipe has no views. score: of the probe, None without labels.
    """

    run: str
    step: int | None
    width: int
    rank_me: float
    alpha_req: float
    lidar: float | None
    uniformity: float
    feature_std: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """candidates: by RankMe, the best first; columns: that count of each; correlations: of each
    measure with the score (Spearman), None where one of them is constant."""

    items: int
    columns: int
    candidates: tuple[Candidate, ...]
    metric: str
    correlations: Mapping[str, float | None]
    notes: tuple[str, ...]

    @property
    def best(self) -> Candidate:
        """The one that RankMe chooses."""
        return self.candidates[0]

    @property
    def lost(self) -> float | None:
        """What the choice costs beside the best score; None without labels."""
        scores = [each.score for each in self.candidates if each.score is not None]
        return max(scores) - scores[0] if scores else None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "lost": self.lost}


def select(
    runs: Sequence[Path | str],
    data: Path | str,
    labels: Path | str | None = None,
    *,
    target: Sequence[str] = (),
    count: int = ITEMS,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Selected:
    """Rank all checkpoints of all runs, finished encoders included, by RankMe of the same items.

    count: items of `data` that are embedded, drawn by a fixed seed; labels, target: with them every
    candidate is probed as well, and measures are compared with the scores.
    Raises UsageError where runs read other items, DataError where fewer than 3 items can be
    embedded by all; else what `evaluate` raises.
    """
    data, limits = Path(data), Limits(unreadable, max_skipped)
    encoders = [each for run in runs for each in _encoders(Path(run))]
    found, viewed = [], []
    with progress("embedding", len(encoders), "encoders") as advance:
        items: list[str] = []
        sources: dict[str, Source] = {}  # runs that read alike index the data once
        for folder, run, _ in encoders:
            reader = load_reader(folder)
            key = reader.model_dump_json()  # type: ignore[attr-defined]
            if key not in sources:
                sources[key] = open_source(reader, data, limits)
            source = sources[key]
            _require_same(items, source.items, run)
            rows = keyed_rng("select").permutation(len(source.items))[:count].tolist()
            found.append(_embedded(folder, source, rows))
            viewed.append(_viewed(folder, run, source, rows[:VIEWED]))
            advance(1)
    shared = sorted(set.intersection(*(set(each) for each in found)))
    if len(shared) < 3:
        raise DataError(f"{data}: expected 3 items that all runs can embed, found {len(shared)}")
    vectors = [torch.from_numpy(np.stack([each[row] for row in shared])) for each in found]
    columns = min(each.shape[1] for each in vectors)
    scores, metric, notes = _scores(encoders, data, labels, target, limits)
    candidates = [
        _candidate(str(run), step, x, seen, columns, score)
        for (_, run, step), x, seen, score in zip(encoders, vectors, viewed, scores, strict=True)
    ]
    if len({each.shape[1] for each in vectors}) > 1:
        notes = [*notes, f"Widths differ: the first {columns} singular values of each count."]
    candidates.sort(key=lambda each: -each.rank_me)
    return Selected(
        len(shared), columns, tuple(candidates), metric, _correlations(candidates), tuple(notes)
    )


def _encoders(run: Path) -> Iterator[tuple[Path, Path, int | None]]:
    """(folder of the encoder, run, step). Raises RunError if there is none."""
    folder = RunFolder(run)
    if not folder.holds_run():
        raise RunError(f"{run}: expected a run, which `unlabeled pretrain` wrote")
    saved = sorted(folder.checkpoints.glob("step-" + "[0-9]" * 8), key=step_of)
    finished = folder.encoder.is_dir()
    if finished and saved:
        saved = saved[:-1]  # the last one holds the finished encoder's weights
    if not saved and not finished:
        raise RunError(f"{run}: has neither a checkpoint nor an encoder yet")
    for checkpoint in saved:
        yield encoder_of(folder, checkpoint), run, step_of(checkpoint)
    if finished:
        yield run, run, None


def _require_same(items: list[str], found: Items, run: Path) -> None:
    ids = found.table["id"].to_pylist()
    items[:] = items or ids
    if ids != items:
        raise UsageError(f"{run}: its reader finds other items than that of the first run")


def _embedded(folder: Path, source: Source, rows: Sequence[int]) -> dict[int, np.ndarray]:
    """By row, the mean vector (D,) of the default output, where it is present."""
    config, encoder = read_config(folder), load_encoder(folder).to(device())
    output = choose_output(config.outputs, recipe_settings(folder).output).name
    return {
        row: piece.values.mean(0)
        for own, samples in source.batches(rows, config.provenance.batch_size)
        for row, piece in zip(own, encode(encoder, samples, output), strict=True)
        if piece.present and len(piece.values)
    }


def _viewed(folder: Path, run: Path, source: Source, rows: Sequence[int]) -> Tensor | None:
    """(n, q, D): views of items as the recipe makes them; None where it makes none."""
    recipe = method_recipe(RunFolder(run))
    if not recipe.views or not recipe.views[0].steps:
        return None
    views = Views([ViewSettings(count=VIEWS, steps=recipe.views[0].steps)])
    encoder = load_encoder(folder).to(device())
    output = choose_output(encoder.outputs, recipe.evaluation.output).name
    made = [
        views.make(sample, Draw.of(source.items[row], 0, 0))
        for row in rows
        for sample in source.tried(row, source.reader.read)
    ]
    if len(made) < 2:
        return None
    found = []
    for start in range(0, len(made), 32):
        batches = views.collate(made[start : start + 32], encoder.collate)
        found.append(torch.stack([_means(encoder, b, output) for b in views.apply(batches)], 1))
    return torch.cat(found)


def _means(encoder: Encoder, batch: Any, output: str) -> Tensor:
    """(n, D), tokens and nodes averaged."""
    with torch.inference_mode():
        return one_per_sample(encoder.encode(batch, output)).float().cpu()


def _candidate(
    run: str, step: int | None, x: Tensor, views: Tensor | None, columns: int, score: float | None
) -> Candidate:
    """x: (N, D) of the shared items; columns: singular values that count."""
    # The largest singular values of the rows, whatever their width: what ranks are made of.
    left, singular, _ = torch.linalg.svd(x.double(), full_matrices=False)
    cut = left[:, :columns] * singular[:columns]
    return Candidate(
        run,
        step,
        x.shape[1],
        effective_rank(cut),
        alpha_req(cut),
        None if views is None else lidar(views),
        uniformity(x),
        feature_std(x),
        score,
    )


def _scores(
    encoders: Sequence[tuple[Path, Path, int | None]],
    data: Path,
    labels: Path | str | None,
    target: Sequence[str],
    limits: Limits,
) -> tuple[list[float | None], str, list[str]]:
    """The probe's score of each encoder, on what all can be tested on; its metric; notes."""
    if labels is None:
        return [None] * len(encoders), "", []
    settings = recipe_settings(encoders[0][0])
    choice = read_choice("assessments", settings.assessment(), "evaluation")
    question = Question(choice, settings, data, Path(labels), tuple(target), limits)
    seen = Seen(tuple(seen_by(folder) for folder, _, _ in encoders))
    with progress("probing", len(encoders), "encoders") as advance:
        entries = []
        for folder, _, _ in encoders:
            entries.append(Entry(str(folder), "pretrained", (question.of(folder, seen),)))
            advance(1)
    shared = share(entries, choice.name)
    first = entries[0].assessed[0].scores[0]
    sign = 1 if first.higher_is_better else -1
    scores = [
        float(sign * entry.assessed[0].scores[0].of(places))
        for entry, places in zip(entries, shared.places, strict=True)
    ]
    return list(scores), first.metric, list(question.notes)


def _correlations(candidates: Sequence[Candidate]) -> dict[str, float | None]:
    """Spearman's rank correlation of each measure with the score; larger is better for all."""
    scores = [each.score for each in candidates]
    if None in scores or len(scores) < 3:
        return {}
    better: dict[str, list[float | None]] = {
        "rank_me": [each.rank_me for each in candidates],
        "alpha_req": [-abs(each.alpha_req - 1) for each in candidates],
        "lidar": [each.lidar for each in candidates],
        "uniformity": [-each.uniformity for each in candidates],
        "feature_std": [each.feature_std for each in candidates],
    }
    return {
        name: _spearman(values, scores)
        for name, values in better.items()
        if all(value is not None for value in values)
    }


def _spearman(one: Sequence[float | None], other: Sequence[float | None]) -> float | None:
    if len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return float(spearmanr(one, other).statistic)
