"""The trained method of a run, with its heads: what the exported encoder alone leaves out."""

from __future__ import annotations

from pathlib import Path

import torch

from unlabeled.contract import Pretext
from unlabeled.errors import RunError
from unlabeled.export.encoder import load_encoder
from unlabeled.recipe import Recipe, build_pretext, read_recipe
from unlabeled.run_folder import RunFolder
from unlabeled.training import checkpoint


def load_method(path: Path | str) -> Pretext:
    """The method of a run as its last checkpoint holds it, in eval mode, on the CPU.

    Objective, heads, teachers and queues are there as well as the encoder. Of a finished run,
    `exported` has the weights that were exported (batch-norm statistics are fitted after the last
    checkpoint). Needs no data. Raises RunError if the run has no checkpoint, RecipeError and
    PluginError if the installed plugins no longer know its parts.
    """
    folder = RunFolder(Path(path))
    saved = checkpoint.newest(folder.checkpoints)
    if saved is None:
        raise RunError(f"{folder.path}: the run has no checkpoint, so its method cannot be built.")
    recipe = method_recipe(folder)
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, then overwritten
        pretext = build_pretext(recipe, {})
    _fill(pretext, saved)
    if folder.encoder.is_dir():
        pretext.exported.load_state_dict(load_encoder(folder.path).state_dict())
    return pretext.eval()


def method_recipe(folder: RunFolder) -> Recipe:
    """The recipe of a run, with what the data filled in. Raises RunError."""
    manifest = folder.read()
    if not manifest.method:
        raise RunError(
            f"{folder.path}: the run has no description of its method in manifest.json, so its "
            "method cannot be built."
        )
    return read_recipe(manifest.name, {**folder.read_recipe(), **manifest.method})


def _fill(pretext: Pretext, saved: Path) -> None:
    try:
        pretext.load_state_dict(checkpoint.read_model(saved))
    except RuntimeError as error:
        raise RunError(
            f"{saved}: the weights do not fit the method of this run: {error}"
        ) from error
