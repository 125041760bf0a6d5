"""From a recipe and a folder of data to an encoder: start a run, go on with it, branch from it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, RunError
from unlabeled.privacy import Pseudonyms, data_of, is_private
from unlabeled.recipe import Recipe, build_reader, read_recipe
from unlabeled.run_folder import DataRecord, Manifest, RunFolder
from unlabeled.training.checkpoint import newest
from unlabeled.training.environment import default_dtype, deterministic, differences
from unlabeled.training.launch import first, launch
from unlabeled.training.session import Job, train


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended. path: its folder; manifest: what it says of itself."""

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
    quiet: bool = False,
) -> Run:
    """Train an encoder on unlabelled data and write it, with the whole run, to the folder `out`.

    devices: processes per node; under torchrun its own numbers count. continue_from: a run whose
    weights this one starts from, with an infinite schedule in its constant phase. If `out` holds
    the same run (equal recipe and data) it goes on where that one stopped, or returns at once if
    that one has finished.

    Raises DataError, RecipeError, PluginError, RunError (another run in `out`, in use, disk full),
    CollapseError, and Stopped after Ctrl-C or SIGTERM.
    """
    settings = recipe.training
    fabric = launch(settings.precision, devices=devices, nodes=nodes, accelerator=accelerator)
    folder = RunFolder(Path(out))
    source = None if continue_from is None else RunFolder(Path(continue_from))
    with ExitStack() as stack:

        def begin() -> tuple[Items, DataRecord, Manifest | None]:
            folder.check()
            items = _index(recipe, Path(data))
            Limits(settings.unreadable, settings.max_skipped).check_index(items)
            folder.claim()
            stack.enter_context(folder.locked())
            reader = build_reader(recipe.reader)
            if not is_private(reader):
                record = _record(items, str(Path(data).resolve()))
                return items, record, _same_run(folder, recipe, record)
            names = Pseudonyms(folder.private, reader)
            record = _record(names.hide(items), "")
            manifest = _same_run(folder, recipe, record)
            names.remember(items, Path(data))
            return items, record, manifest

        items, record, manifest = first(fabric, begin)
        if manifest is None or manifest.status != "finished":
            job = Job(fabric, folder, recipe, items, record, source)
            with deterministic(settings.deterministic), default_dtype(settings.precision):
                manifest = train(job, quiet=quiet or not fabric.is_global_zero)
        return Run(folder.path, manifest)


def resume(
    out: Path | str,
    *,
    data: Path | str | None = None,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    quiet: bool = False,
) -> Run:
    """Go on with a run exactly where its newest checkpoint stands; nothing if it has finished.

    data: where the data lie now, if they were moved. Raises RunError if recipe or data changed,
    and as `pretrain` does.
    """
    folder = RunFolder(Path(out))
    manifest = folder.read()
    return pretrain(
        read_recipe(manifest.name, folder.read_recipe()),
        data or manifest.data.path or data_of(folder.private),
        out,
        devices=devices,
        nodes=nodes,
        accelerator=accelerator,
        continue_from=manifest.continues or None,
        quiet=quiet,
    )


def _index(recipe: Recipe, data: Path) -> Items:
    items = build_reader(recipe.reader).index(data)
    if not len(items):
        bad = "".join(f" {q.source}: {q.found}." for q in items.quarantine[:1])
        raise DataError(
            f"{data}: {recipe.reader.name} found nothing that it can read; "
            f"{len(items.quarantine)} files cannot be used.{bad}"
        )
    return items


def _record(items: Items, path: str) -> DataRecord:
    columns = {
        name: Items(items.table.select([name])).fingerprint()
        for name in items.table.column_names
        if name != "source"
    }
    return DataRecord(path, len(items), items.fingerprint(), columns)


def _same_run(folder: RunFolder, recipe: Recipe, data: DataRecord) -> Manifest | None:
    """The run in `folder`, if any. Raises RunError if it has another recipe or other data."""
    if not folder.holds_run():
        return None
    manifest = folder.read()
    changes = differences(manifest.recipe, recipe.to_dict())
    if manifest.data.items != data.items:
        changes.append(f"data: {manifest.data.items} items then, {data.items} now")
    elif manifest.data.fingerprint != data.fingerprint:
        then, now = manifest.data.columns, data.columns
        names = sorted(n for n in then.keys() | now.keys() if then.get(n) != now.get(n))
        changes.append(f"data: the items differ in {', '.join(names)}")
    if not changes:
        return manifest
    if newest(folder.checkpoints) is None:
        folder.clear()  # it never came to anything: the first try of the same command
        return None
    raise RunError(
        f"{folder.path} holds a run that cannot go on, because of these changes:\n  "
        + "\n  ".join(changes)
        + "\nUndo them to go on with that run, or choose another --out (with --continue-from "
        f"{folder.path} to start from its weights)."
    )
