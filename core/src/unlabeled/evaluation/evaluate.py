"""Assess a pretrained encoder or method, beside random ones, hand-made baselines and rivals.

All get the same items, labels and random numbers; intervals come from one paired bootstrap over
groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.atomic import write_json
from unlabeled.contract import Assessment, FindsLabels
from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits, Unreadable
from unlabeled.data.trained_on import changed_since
from unlabeled.errors import UsageError
from unlabeled.evaluation.assessing import Found, Shared, assess_all, share
from unlabeled.evaluation.bootstrap import RESAMPLES, rough
from unlabeled.evaluation.candidates import Pool
from unlabeled.evaluation.duplicates import first_of_each, near_duplicates, trained_on
from unlabeled.evaluation.labelling import GivenLabels, given_labels
from unlabeled.evaluation.predictions import write_predictions
from unlabeled.evaluation.result import Evaluation
from unlabeled.evaluation.scoring import score_all
from unlabeled.evaluation.seeds import require_seeds_of_one_recipe
from unlabeled.evaluation.seen_labels import Seen, taken
from unlabeled.evaluation.settings import PROBE, EvaluationSettings
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import (
    encoder_folder,
    load_reader,
    read_config,
    require_representation,
    require_restoration,
    run_of,
)
from unlabeled.inference.reading import Source, open_source, pseudonyms
from unlabeled.labelled import seen_by
from unlabeled.privacy import Pseudonyms
from unlabeled.recipe import Choice, read_choice
from unlabeled.validation import validate
from unlabeled.wording import counted


def evaluate(
    path: Path | str,
    data: Path | str,
    labels: Path | str | None = None,
    *,
    assess: str | None = None,
    average_with: Sequence[Path | str] = (),
    target: Sequence[str] = (),
    settings: EvaluationSettings | None = None,
    name: str | None = None,
    drop_duplicates: bool = False,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Evaluation:
    """Assess a run on data it was not trained on, and write `evaluation/<name>.json` there.

    path: a run or its encoder folder; assess: an assessment by its name, `probe` or a plugin's;
    that of the settings if None; average_with: runs of the same recipe with other seeds, whose
    scores are averaged with its own; labels: a table (see `labels`), or what else the assessment
    reads (`FindsLabels`), None for the metadata columns of the index; target: columns, or the only
    one there is; settings: the recipe's if None; name: of the result, after the labels and the
    assessment if None; drop_duplicates: leave out all but the first of items that nearly equal one
    another (see `duplicates`).
    Raises RunError, DataError, UsageError, RecipeError or PluginError.
    """
    path, average_with = settled(path), tuple(map(settled, average_with))
    config, data = read_config(path), Path(data)
    labels = Path(labels) if labels is not None else None
    if name is not None:
        _require_file_name(name)
    settings = settings or recipe_settings(path)
    if assess and assess != settings.assessment()["name"]:
        settings = settings.model_copy(update={"assess": {"name": assess}})
    choice = read_choice("assessments", settings.assessment(), "evaluation")
    assessment: Assessment = choice.settings  # type: ignore[assignment]
    if assessment.kind == "representation":
        require_representation(config, path)
    else:
        require_restoration(config, path)
    paths = (path, *average_with)
    require_seeds_of_one_recipe(paths, config)
    reader = load_reader(path)
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    hidden = pseudonyms(path, reader, data)
    seen = Seen(tuple(map(seen_by, paths)))
    given = given_for(assessment, choice, labels, target, source, data, hidden, seen)

    pool = Pool(paths, config, settings, assessment, source, given)
    dropped = 0
    if drop_duplicates:
        dropped, pool, given = _without_duplicates(pool, given)
    found = assess_all(assessment, choice.name, pool, source, given, seen)
    shared = share(found.entries, choice.name)
    headline, *further = score_all(found.entries, shared, choice.name)
    first = found.entries[0].assessed[0]
    excluded = given.groups[~given.testable] if given else found.dropped
    run = run_of(path)
    if name is None:
        stem = "index" if hidden and labels is None else Path(labels or data).stem
        name = _default_name(stem, choice, first.about, len(paths))
        if config.provenance.of_steps:
            name += f"-step-{config.provenance.steps}"
    evaluation = Evaluation(
        name=name,
        assessment=choice.to_dict(),
        data="" if hidden else str(data),
        labels="" if hidden else str(labels or ""),
        targets=given.targets if given else (),
        output=pool.output,
        unit=given.unit if given else "units",
        items=len(shared.groups),
        groups=len(set(shared.groups.tolist())),
        unmatched_rows=given.labelled.unmatched_rows if given else 0,
        unmatched_items=given.labelled.unmatched_items if given else 0,
        labelled_in_training=len(excluded),
        labelled_groups_in_training=len(set(excluded.tolist())),
        skipped=len(source.all_quarantined),
        near_duplicates=len(alike := _alike(pool, given)),
        pretrained_on=trained_on(run, source.items, given.rows) if run and given else 0,
        about=first.about,
        headline=headline,
        further=tuple(further),
        notes=(
            *filter(None, [config.provenance.unfinished.capitalize()]),
            *_changed(path, source.items, hidden),
            *_notes(given, found, shared, pool),
            *_on_duplicates(alike, dropped, given, private=hidden is not None),
            *_averaged(paths, headline.rows[0].scores, private=hidden is not None),
        ),
        seeds=tuple(range(settings.random_encoders)),
        resamples=RESAMPLES,
    )
    folder = run.path if run else encoder_folder(path)
    write_json(folder / "evaluation" / f"{name}.json", evaluation.to_dict())
    if given:
        whole = taken(first, shared.places[0])
        file = folder / "evaluation" / f"{name}.items.parquet"
        write_predictions(file, whole.predicted, whole.units, given, source, hidden)
    return evaluation


def _alike(pool: Pool, given: GivenLabels | None) -> np.ndarray:
    """Pairs (P, 2) of labels whose items nearly equal each other, in different groups; of whole
    items alone, and where an assessment has embedded them."""
    found = pool.made
    if given is None or found is None or given.labelled.parts:
        return np.zeros((0, 2), int)
    # An untrained encoder beside the pretrained: what one of the two does not see is no pair.
    seen = [found.encoders[0], found.encoders[len(pool.paths)]]
    return np.asarray(found.read[near_duplicates(seen, given.groups[found.read])])


def _without_duplicates(
    pool: Pool, given: GivenLabels | None
) -> tuple[int, Pool, GivenLabels | None]:
    """How many labels were left out, and what is left. Raises UsageError."""
    if given is None or given.labelled.parts:
        raise UsageError("--drop-duplicates: expected labels of whole items")
    read = pool.embeddings.read  # items are embedded by this, as the pairs need it
    places = np.full(len(given.rows), -1)
    places[read] = np.arange(len(read))
    kept = read[first_of_each(places[_alike(pool, given)], len(read))]
    dropped = len(read) - len(kept)
    if not dropped:
        return 0, pool, given
    given = given.take(kept)
    pool = Pool(pool.paths, pool.config, pool.settings, pool.assessment, pool.source, given)
    return dropped, pool, given


def _on_duplicates(
    alike: np.ndarray, dropped: int, given: GivenLabels | None, *, private: bool
) -> list[str]:
    notes = []
    if dropped:
        notes.append(f"{counted(dropped, 'item')} left out that nearly equal one of another group.")
    if len(alike) and given:
        names = [given.table["item"][int(place)].as_py() for place in alike[0]]
        such = "" if private else f", such as {names[0]} and {names[1]}"
        notes.append(
            f"{len(np.unique(alike))} items nearly equal one of another group{such}: a split may "
            "hold both. --drop-duplicates leaves one of each."
        )
    return notes


def _changed(path: Path | str, items: Items, hidden: Pseudonyms | None) -> list[str]:
    """Notes on items whose content changed since training."""
    run = run_of(path)
    ids = (hidden.hide(items) if hidden else items).table["id"].to_pylist()
    return changed_since(run, items, ids) if run else []


def given_for(
    assessment: Assessment,
    choice: Choice,
    labels: Path | None,
    target: Sequence[str],
    source: Source,
    data: Path,
    hidden: Pseudonyms | None,
    seen: Seen,
) -> GivenLabels | None:
    """The labels for an assessment that takes some. Raises UsageError and DataError."""
    if not assessment.uses_labels:
        if labels is not None or target:
            asked = "--labels" if labels is not None else "--target"
            raise UsageError(f"{asked}: the assessment {choice.name} uses no labels; leave it out")
        return None
    ids = source.items.table["id"].to_pylist()
    names = hidden.of("id", ids) if hidden else ()
    finder = assessment if isinstance(assessment, FindsLabels) else None
    return given_labels(labels, target, source, data, names, seen, finder)


def _notes(given: GivenLabels | None, found: Found, shared: Shared, pool: Pool) -> list[str]:
    """Notes for readers of the result."""
    unit = given.unit if given else "units"
    notes = list(given.notes) if given else []
    notes += [*rough(len(set(shared.groups.tolist()))), *found.entries[0].assessed[0].notes]
    if given:  # what the labels say of themselves; the probe has said it already
        notes = list(dict.fromkeys([*notes, *given.labelled.labels.notes]))
    if found.left_out:
        notes.append(f"{', '.join(found.left_out)}: no description of {unit}, left out.")
    notes += pool.notes()
    if shared.lost:
        notes.append(f"{shared.lost} {unit} could not be assessed for everybody and do not count.")
    return notes


def recipe_settings(path: Path | str) -> EvaluationSettings:
    """The evaluation section of a run's recipe; the defaults where there is no run."""
    run = run_of(path)
    if run is None:
        return EvaluationSettings()
    section = run.read_recipe().get("evaluation") or {}
    return validate(EvaluationSettings, section, f"{run.recipe}, evaluation")


def _averaged(
    paths: Sequence[Path | str], scores: Sequence[float | None], *, private: bool
) -> list[str]:
    """The runs, if their paths may be shown, and the score of each."""
    if len(paths) == 1:
        return []
    names = "" if private else f": {', '.join(map(str, paths))}"
    each = ", ".join("undefined" if score is None else f"{score:.3f}" for score in scores)
    return [f"The pretrained row is the mean over {len(paths)} runs of one recipe ({each}){names}."]


def _default_name(stem: str, choice: Choice, about: Mapping[str, Any], runs: int) -> str:
    """After the labels and the assessment: "labels-logistic", "scans-medical-segmentation"."""
    what = about["probe"]["name"] if choice.name == PROBE else choice.name
    stem = re.sub(r"[^\w.-]", "-", stem)
    return f"{stem}-{what.replace('/', '-')}{f'-{runs}-runs' if runs > 1 else ''}"


def _require_file_name(name: str) -> None:
    if not re.fullmatch(r"[\w.-]+", name):
        raise UsageError(f"name: expected letters, digits, '.', '-' and '_', found {name!r}")
