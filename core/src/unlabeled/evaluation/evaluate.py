"""Judge a pretrained encoder by a probe, beside random encoders and hand-made features.

All of them see the same items, the same splits and the same probe; scores are taken over the
predictions of all test items together; intervals come from one paired bootstrap over groups.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from unlabeled.atomic import write_json
from unlabeled.data.items import Items
from unlabeled.data.labels import labels_in, read_labels, target_names
from unlabeled.data.quarantine import Limits, Unreadable
from unlabeled.data.trained_on import changed_since
from unlabeled.errors import UsageError
from unlabeled.evaluation.bootstrap import RESAMPLES
from unlabeled.evaluation.candidates import contestants
from unlabeled.evaluation.extents import within
from unlabeled.evaluation.matching import match
from unlabeled.evaluation.protocol import choose_probe, design
from unlabeled.evaluation.result import Evaluation
from unlabeled.evaluation.scoring import judge
from unlabeled.evaluation.seeds import require_seeds_of_one_recipe
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import (
    encoder_folder,
    load_reader,
    read_config,
    require_representation,
    run_of,
)
from unlabeled.inference.reading import open_source, pseudonyms
from unlabeled.labelled import seen_by
from unlabeled.privacy import Pseudonyms
from unlabeled.validation import validate


def evaluate(
    path: Path | str,
    data: Path | str,
    labels: Path | str | None = None,
    *,
    average_with: Sequence[Path | str] = (),
    target: Sequence[str] = (),
    settings: EvaluationSettings | None = None,
    name: str | None = None,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Evaluation:
    """Probe the encoder of a run on labelled data, and write `evaluation/<name>.json` there.

    path: a run or its encoder folder; average_with: runs of the same recipe with other seeds, whose
    scores are averaged with its own; labels: a table (see `labels`), or None for the metadata
    columns of the index; target: columns, or the only one there is; settings: the recipe's if
    None; name: of the labels and the probe if None.
    Raises RunError, DataError, UsageError, RecipeError or PluginError.
    """
    config, data = read_config(path), Path(data)
    require_representation(config, path)
    paths = (path, *average_with)
    require_seeds_of_one_recipe(paths, config)
    settings = settings or recipe_settings(path)
    reader = load_reader(path)
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    table = labels_in(source.items) if labels is None else read_labels(Path(labels))
    names = target_names(table, target)
    hidden = pseudonyms(path, reader, data)
    ids = source.items.table["id"].to_pylist()
    labelled = match(table, source, data, hidden.of("id", ids) if hidden else ())
    labelled = within(labelled, source)
    choice, why = choose_probe(labelled, names, settings)
    stem = "index" if hidden and labels is None else Path(labels or data).stem
    seeds = f"-{len(paths)}-runs" if average_with else ""
    name = _file_name(name or f"{stem}-{choice.name.replace('/', '-')}{seeds}")
    seen = [seen_by(each) for each in paths]
    design(labelled, names, source.items, choice, settings.folds, seen)  # before the long part

    found = contestants(paths, config, settings, source, labelled)
    study = design(labelled.take(found.read), names, source.items, choice, settings.folds, seen)
    rows, comparisons = judge(study, found)
    evaluation = Evaluation(
        name=name,
        data="" if hidden else str(data),
        labels="" if hidden else str(labels or ""),
        targets=tuple(names),
        task=study.probe.task,
        probe=choice.to_dict(),
        probe_because=why,
        metric=study.probe.metric,
        output=found.output,
        splits=study.described,
        unit=labelled.unit,
        items=len(study.tested),
        groups=len(set(study.groups[study.tested])),
        unmatched_rows=labelled.unmatched_rows,
        unmatched_items=labelled.unmatched_items,
        skipped=len(source.quarantine) + len(source.items.quarantine),
        rows=tuple(rows),
        comparisons=tuple(comparisons),
        outcome=comparisons[0].outcome,
        notes=(
            *_changed(path, source.items, hidden),
            *study.notes,
            *_left_out(found.left_out, labelled.unit),
            *_absent(found.absent, found.output),
            *_averaged(paths, rows[0].scores, private=hidden is not None),
        ),
        seeds=tuple(range(settings.random_encoders)),
        resamples=RESAMPLES,
    )
    run = run_of(path)
    folder = run.path if run else encoder_folder(path)
    write_json(folder / "evaluation" / f"{name}.json", evaluation.to_dict())
    return evaluation


def _changed(path: Path | str, items: Items, hidden: Pseudonyms | None) -> list[str]:
    """What to know where items that were trained on are others now."""
    run = run_of(path)
    ids = (hidden.hide(items) if hidden else items).table["id"].to_pylist()
    return changed_since(run, items, ids) if run else []


def _left_out(features: Sequence[str], unit: str) -> list[str]:
    return [f"{', '.join(features)}: no features of {unit}, left out."] if features else []


def _absent(count: int, output: str) -> list[str]:
    return [f"{count} items lack what {output!r} is made of, left out."] if count else []


def recipe_settings(path: Path | str) -> EvaluationSettings:
    """The evaluation section of a run's recipe; the defaults where there is no run."""
    run = run_of(path)
    if run is None:
        return EvaluationSettings()
    section = run.read_recipe().get("evaluation") or {}
    return validate(EvaluationSettings, section, f"{run.recipe}, evaluation")


def _averaged(paths: Sequence[Path | str], scores: Sequence[float], *, private: bool) -> list[str]:
    """Which runs, where their paths may be told, and the score of each."""
    if len(paths) == 1:
        return []
    names = "" if private else f": {', '.join(map(str, paths))}"
    each = ", ".join(f"{score:.3f}" for score in scores)
    return [f"The pretrained row is the mean over {len(paths)} runs of one recipe ({each}){names}."]


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name):
        raise UsageError(f"name: expected letters, digits, '.', '-' and '_', found {name!r}")
    return name
