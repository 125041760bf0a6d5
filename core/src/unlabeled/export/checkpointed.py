"""The encoder of a run that has not finished, from its last checkpoint.

    RUN/checkpoint_encoders/step-00000120/ like RUN/encoder/ at the end

Written on first use. Batch-norm statistics are those of training, because the ones of whole inputs
are fitted at the end of a run.
"""

from __future__ import annotations

from pathlib import Path

import torch

from unlabeled import labelled
from unlabeled.checkpoints import newest, read_model, step_of
from unlabeled.contract import Pretext
from unlabeled.errors import RunError
from unlabeled.export.encoder import OF_CHECKPOINTS, Provenance, read_config, save_encoder
from unlabeled.progress import say
from unlabeled.recipe import Recipe, build_pretext, read_recipe
from unlabeled.run_folder import RunFolder


def settled(path: Path | str) -> Path:
    """`path`; for a run that has not finished, the encoder of its last checkpoint, with a message.
    Called once at the start of a command, because the run may go on meanwhile. Raises RunError.
    """
    path, folder = Path(path), RunFolder(Path(path))
    if not folder.holds_run() or folder.encoder.is_dir() or (path / "config.json").is_file():
        return path
    saved = newest(folder.checkpoints)
    if saved is None:
        return path  # opening it reports that there is no encoder yet
    made = encoder_of(folder, saved)
    say(f"{path}: {read_config(made).provenance.unfinished}")
    return made


def encoder_of(folder: RunFolder, saved: Path) -> Path:
    """The folder with the encoder of the checkpoint `saved`, made if need be. Raises RunError."""
    target = folder.path / OF_CHECKPOINTS / saved.name
    if (target / "config.json").is_file():
        return target
    manifest, recipe = folder.read(), method_recipe(folder)
    pretext = method_of(folder, saved)
    save_encoder(
        pretext.exported,
        encoder_name=recipe.encoder.name,
        reader=recipe.reader,
        folder=target,
        provenance=Provenance(
            recipe=manifest.name,
            pretext=recipe.pretext.name,
            kind=pretext.kind,
            seed=recipe.training.seed,
            steps=step_of(saved),
            of_steps=manifest.total_steps,
            batch_size=recipe.training.batch_size,
            items=manifest.data.items,
            fingerprint=manifest.data.fingerprint,
            labelled=labelled.kept_with_encoder(folder),
            started_from=manifest.started_from,
        ),
    )
    return target


def run_and_checkpoint(path: Path | str) -> tuple[RunFolder, Path | None]:
    """The run, and its last checkpoint; where `path` is the encoder of one, that checkpoint."""
    path = Path(path)
    if path.parent.name != OF_CHECKPOINTS:
        folder = RunFolder(path)
        return folder, newest(folder.checkpoints)
    folder = RunFolder(path.parent.parent)
    saved = folder.checkpoints / path.name
    return folder, saved if saved.is_dir() else None


def method_of(folder: RunFolder, saved: Path) -> Pretext:
    """The method of a run as a checkpoint holds it. Raises RunError, RecipeError, PluginError."""
    recipe = method_recipe(folder)
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, then overwritten
        pretext = build_pretext(recipe, {})
    try:
        pretext.load_state_dict(read_model(saved))
    except RuntimeError as error:
        raise RunError(
            f"{saved}: the weights do not fit the method of this run: {error}"
        ) from error
    return pretext


def method_recipe(folder: RunFolder) -> Recipe:
    """The recipe of a run, with what the data filled in. Raises RunError."""
    manifest = folder.read()
    if not manifest.method:
        raise RunError(
            f"{folder.path}: the run has no description of its method in manifest.json, so its "
            "method cannot be built."
        )
    return read_recipe(manifest.name, {**folder.read_recipe(), **manifest.method})
