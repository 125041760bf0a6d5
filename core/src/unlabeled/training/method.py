"""The trained method of a run, with the heads that an exported encoder lacks."""

from __future__ import annotations

from pathlib import Path

from unlabeled.contract import Pretext
from unlabeled.errors import RunError
from unlabeled.export.checkpointed import method_of, run_and_checkpoint
from unlabeled.export.encoder import load_encoder


def load_method(path: Path | str) -> Pretext:
    """The method of a run as its last checkpoint holds it, in eval mode, on the CPU.

    It includes objective, heads, teachers and queues. Of a finished run,
    `exported` has the weights that were exported (batch-norm statistics are fitted after the last
    checkpoint). Needs no data. Raises RunError if the run has no checkpoint, RecipeError and
    PluginError if the installed plugins no longer know its parts.
    """
    folder, saved = run_and_checkpoint(path)
    if saved is None:
        raise RunError(f"{folder.path}: the run has no checkpoint, so its method cannot be built.")
    pretext = method_of(folder, saved)
    if folder.encoder.is_dir():
        pretext.exported.load_state_dict(load_encoder(folder.path).state_dict())
    return pretext.eval()
