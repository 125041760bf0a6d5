"""Train an encoder from a recipe and a folder of data: start, resume or continue a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unlabeled import discovery, labelled
from unlabeled.contract import ReadsTargets
from unlabeled.data.items import OF_PLACE, Items
from unlabeled.data.quarantine import Limits
from unlabeled.data.trained_on import data_changes, keep_signatures, keeps_signatures
from unlabeled.data.training_labels import TrainingLabels, training_labels
from unlabeled.errors import DataError, RunError, UsageError
from unlabeled.privacy import Pseudonyms, data_of, is_private, labels_of
from unlabeled.recipe import Recipe, build_reader, merge, read_recipe
from unlabeled.run_folder import DataRecord, Manifest, RunFolder
from unlabeled.training.batch_column import BatchColumn, batch_column
from unlabeled.training.checkpoint import newest
from unlabeled.training.environment import default_dtype, deterministic, differences
from unlabeled.training.failure import failure_noted
from unlabeled.training.job import Job
from unlabeled.training.launch import first, launch
from unlabeled.training.start import show_start
from unlabeled.training.start_from import Start
from unlabeled.training.training_run import TrainingRun

KINDS = {
    "class": "one class",
    "classes": "several classes",
    "value": "a number",
    "mask": "a mask",
}
"""`Pretext.learns_from` in words."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. path: its folder."""

    path: Path
    manifest: Manifest

    @property
    def encoder(self) -> Path:
        """The folder that `unlabeled.load_encoder` takes."""
        return RunFolder(self.path).encoder


def pretrain(
    recipe: Recipe,
    data: Path | str,
    out: Path | str,
    *,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    continue_from: Path | str | None = None,
    start_from: Path | str | None = None,
    accept_changed_data: bool = False,
    quiet: bool = False,
) -> Run:
    """Train an encoder on unlabelled data and write it, with the whole run, to the folder `out`.

    devices: processes per node; under torchrun its own numbers count. continue_from: a run whose
    whole method this one goes on with, with an infinite schedule in its constant phase; start_from:
    a run, or its encoder folder, whose encoder alone this one starts from, under any method. If
    `out` holds the same run (equal recipe and data) it goes on where that one stopped, or returns
    at once if that one has finished. accept_changed_data: go on with it also if items have changed,
    are gone or new; the run then is not exact, and its manifest says why.

    Raises DataError, RecipeError, PluginError, RunError (another run in `out`, in use, disk full),
    CollapseError, and Stopped after Ctrl-C or SIGTERM.
    """
    recipe = _with_whole_path(recipe)
    settings = recipe.training
    fabric = launch(settings.precision, devices=devices, nodes=nodes, accelerator=accelerator)
    if fabric.is_global_zero and not quiet:
        show_start(fabric, recipe, Path(data), Path(out))
    folder = RunFolder(Path(out))
    if continue_from is not None and start_from is not None:
        raise UsageError("expected --continue-from or --start-from, found both")
    source = None if continue_from is None else RunFolder(Path(continue_from))
    with ExitStack() as stack:

        def begin() -> tuple[
            Items,
            DataRecord,
            Manifest | None,
            TrainingLabels | None,
            BatchColumn | None,
            Start | None,
        ]:
            folder.check()
            items = _index(recipe, Path(data))
            Limits(settings.unreadable, settings.max_skipped).check_index(items)
            labels = _labels(recipe, items, Path(data))
            column = batch_column(recipe, items, Path(data))
            folder.claim()
            stack.enter_context(folder.locked())
            reader = build_reader(recipe.reader)
            if not is_private(reader):
                shown, path = items, str(Path(data).resolve())
            else:
                names = Pseudonyms(folder.private, reader)
                shown, path = names.hide(items), ""
            record, ids = _record(shown, path, column), shown.table["id"].to_pylist()
            written = _as_written(recipe, names) if is_private(reader) else recipe
            earlier = _same_run(folder, written, record, items, ids, accept=accept_changed_data)
            start, seen = _start(start_from, source, earlier)
            if is_private(reader):
                names.remember(items, Path(data), recipe.labels.table if recipe.labels else "")
            if not keeps_signatures(folder):
                keep_signatures(folder, items, shown)
            if labels or seen != labelled.Labelled():
                labelled.record(folder, items, labels, seen)
            return items, record, earlier, labels, column, start

        items, record, manifest, labels, column, start = first(fabric, begin)
        if manifest is None or manifest.status != "finished":
            reader = build_reader(recipe.reader)
            if is_private(reader):
                recipe = _as_written(recipe, Pseudonyms(folder.private, reader))
            job = Job(fabric, folder, recipe, items, record, source, labels, column, start)
            stack.enter_context(failure_noted(folder, write=fabric.is_global_zero))
            with deterministic(settings.deterministic), default_dtype(settings.precision):
                run = TrainingRun(job, quiet=quiet or not fabric.is_global_zero)
                manifest = run.execute()
        return Run(folder.path, manifest)


def resume(
    out: Path | str,
    *,
    data: Path | str | None = None,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    limits: Mapping[str, Any] | None = None,
    accept_changed_data: bool = False,
    quiet: bool = False,
) -> Run:
    """Go on with a run exactly where its newest checkpoint stands; nothing if it has finished.

    data: where the data lie now, if they were moved; limits: other values of `unreadable` and
    `max_skipped`; accept_changed_data: see `pretrain`. Raises RunError if recipe or data changed,
    or if its checkpoints are gone, and as `pretrain` does.
    """
    folder = RunFolder(Path(out))
    manifest = folder.read()
    changes: dict[str, Any] = {"training": dict(limits or {})}
    if folder.private.is_dir() and folder.read_recipe().get("labels"):
        changes["labels"] = {"table": labels_of(folder.private)}
    return pretrain(
        read_recipe(manifest.name, merge(folder.read_recipe(), changes)),
        data or manifest.data.path or data_of(folder.private),
        out,
        devices=devices,
        nodes=nodes,
        accelerator=accelerator,
        continue_from=manifest.continues or None,
        start_from=manifest.started_from.get("path"),
        accept_changed_data=accept_changed_data,
        quiet=quiet,
    )


def _with_whole_path(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths of tables, because a run may be resumed from another
    folder."""
    batches = recipe.training.batches
    if batches and batches.table:
        whole = batches.model_copy(update={"table": str(Path(batches.table).resolve())})
        recipe = replace(recipe, training=recipe.training.model_copy(update={"batches": whole}))
    if recipe.labels is None:
        return recipe
    return _with_table(recipe, str(Path(recipe.labels.table).resolve()))


def _as_written(recipe: Recipe, names: Pseudonyms) -> Recipe:
    """The recipe as a private run writes it: the path of the labels is only in `private/`."""
    if recipe.labels is None:
        return recipe
    return _with_table(recipe, names.of("labels", [recipe.labels.table])[0])


def _with_table(recipe: Recipe, table: str) -> Recipe:
    assert recipe.labels is not None
    return replace(recipe, labels=recipe.labels.model_copy(update={"table": table}))


def _start(
    start_from: Path | str | None, source: RunFolder | None, earlier: Manifest | None
) -> tuple[Start | None, labelled.Labelled]:
    """The encoder to start from, and the labels that its run has seen.

    Raises RunError if the run in the folder started from something else.
    """
    if earlier is None:
        start = None if start_from is None else Start.of(start_from)
        if start is not None:
            return start, labelled.seen_by(start.path)
        return None, labelled.read(source) if source else labelled.Labelled()
    then, now = earlier.started_from.get("path", ""), ""
    if start_from is not None:
        # Its files may be gone: the run has checkpoints of its own, and recorded its labels.
        paths = Path(start_from).resolve(), (Path(start_from) / "encoder").resolve()
        now = then if then in map(str, paths) else str(paths[0])
    continued = str(source.path.resolve()) if source else ""
    for before, asked in ((then, now), (earlier.continues, continued)):
        if before != asked:
            raise RunError(
                f"--out holds a run that started from {before or 'no other run'}, and is asked to "
                f"start from {asked or 'none'}. Choose another --out."
            )
    seen = labelled.read(source) if source else labelled.Labelled()
    return Start.recorded(earlier.started_from), seen


def _index(recipe: Recipe, data: Path) -> Items:
    items = build_reader(recipe.reader).index(data)
    if not len(items):
        bad = "".join(f" {q.source}: {q.found}." for q in items.quarantine[:1])
        raise DataError(
            f"{data}: {recipe.reader.name} found nothing that it can read; "
            f"{len(items.quarantine)} files cannot be used.{bad}"
        )
    return items


def _labels(recipe: Recipe, items: Items, data: Path) -> TrainingLabels | None:
    if recipe.labels is None:
        return None
    labels = training_labels(recipe.labels, items, data)
    takes = discovery.load("pretexts", recipe.pretext.name).learns_from
    if labels.kind not in takes:
        raise DataError(
            f"labels.table: {recipe.pretext.name} learns from "
            f"{' or '.join(KINDS[kind] for kind in takes)} of an item, found {KINDS[labels.kind]} "
            f"in column {labels.target}. Choose another target, or another method."
        )
    if labels.masks and not isinstance(build_reader(recipe.reader), ReadsTargets):
        raise DataError(
            f"labels.table: column {labels.target} names mask files, which {recipe.reader.name} "
            "does not read. Choose another target, or another reader."
        )
    return labels


def _record(items: Items, path: str, column: BatchColumn | None) -> DataRecord:
    columns = {
        name: Items(items.table.select([name])).fingerprint()
        for name in items.table.column_names
        if name not in OF_PLACE
    }
    if column is not None:
        columns["training.batches"] = column.digest()
    return DataRecord(path, len(items), items.fingerprint(), columns)


def _same_run(
    folder: RunFolder,
    recipe: Recipe,
    data: DataRecord,
    items: Items,
    ids: Sequence[str],
    *,
    accept: bool,
) -> Manifest | None:
    """The run in `folder`, if any. Raises RunError if it has another recipe or other data (unless
    they are accepted), or if its checkpoints are gone."""
    if not folder.holds_run():
        return None
    manifest = folder.read()
    _require_checkpoints(folder, manifest)
    of_recipe = differences(_without_limits(manifest.recipe), _without_limits(recipe.to_dict()))
    of_data = [*_other_columns(manifest.data, data), *data_changes(folder, items, ids)]
    if (of_recipe or of_data) and newest(folder.checkpoints) is None:
        folder.clear()  # it never took a step: the first try of the same command
        return None
    if of_recipe or (of_data and not accept):
        raise RunError(_refusal(folder, of_recipe, of_data))
    return _noted(folder, manifest, of_data, data)


def _require_checkpoints(folder: RunFolder, manifest: Manifest) -> None:
    if manifest.status == "finished" or not manifest.steps or newest(folder.checkpoints):
        return
    raise RunError(
        f"{folder.path}: the run had come to step {manifest.steps}, and its checkpoints are gone: "
        f"{folder.checkpoints} holds none. Put them back to go on with it; or start afresh, with "
        "another --out, or after removing this folder."
    )


def _without_limits(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe without the settings that change no result."""
    compared = {
        k: v for k, v in recipe["training"].items() if k not in ("unreadable", "max_skipped")
    }
    return {**recipe, "training": compared}


def _other_columns(then: DataRecord, now: DataRecord) -> list[str]:
    if then.items != now.items:
        return [f"data: {then.items} items then, {now.items} now"]
    names = then.columns.keys() | now.columns.keys()
    other = sorted(n for n in names if then.columns.get(n) != now.columns.get(n))
    return [f"data: the items differ in {', '.join(other)}"] if other else []


def _refusal(folder: RunFolder, of_recipe: Sequence[str], of_data: Sequence[str]) -> str:
    lines = "\n  ".join((*of_recipe, *of_data))
    accept = "" if of_recipe else ", or go on with the data as they are by --accept-changed-data"
    return (
        f"{folder.path} holds a run that cannot go on, because of these changes:\n  {lines}\n"
        f"Undo them to go on with that run{accept}; or choose another --out (with --continue-from "
        f"{folder.path} to start from its weights)."
    )


def _noted(
    folder: RunFolder, manifest: Manifest, of_data: Sequence[str], data: DataRecord
) -> Manifest:
    """The manifest of a resumed run, with notes on its data."""
    notes = [f"inexact: {change}" for change in of_data]
    if manifest.status != "finished" and not keeps_signatures(folder):
        notes.append(
            "inexact: this run recorded no signatures of its data, so contents were not compared"
        )
    if not notes:
        return manifest
    if of_data:
        folder.trained_on.unlink(missing_ok=True)
    every = tuple(dict.fromkeys((*manifest.notes, *notes)))
    return folder.update(data=data, exact=False, notes=every)
