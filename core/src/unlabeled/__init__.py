"""Self-supervised learning for domain data: the core.

    import unlabeled

    recipe = unlabeled.load_recipe("audio/ssast", {"training": {"epochs": 5}})
    run = unlabeled.pretrain(recipe, "recordings", "runs/birds")
    encoder = unlabeled.load_encoder("runs/birds")

Importing this imports nothing heavy: each name loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlabeled.discovery import discover
    from unlabeled.evaluation.compare_runs import compare_runs
    from unlabeled.evaluation.drift import drift
    from unlabeled.evaluation.evaluate import evaluate
    from unlabeled.evaluation.select import select
    from unlabeled.export.encoder import load_encoder
    from unlabeled.inference.cluster import cluster
    from unlabeled.inference.embed import embed
    from unlabeled.inference.forget import forget
    from unlabeled.inference.neighbours import neighbours
    from unlabeled.inference.restore import restore
    from unlabeled.inference.update_batch_norm import update_batch_norm
    from unlabeled.recipe import load_recipe
    from unlabeled.training.method import load_method
    from unlabeled.training.pretrain import pretrain, resume

__all__ = [
    "cluster",
    "compare_runs",
    "discover",
    "drift",
    "embed",
    "evaluate",
    "forget",
    "load_encoder",
    "load_method",
    "load_recipe",
    "neighbours",
    "pretrain",
    "restore",
    "resume",
    "select",
    "update_batch_norm",
]

_HOMES = {
    "cluster": "unlabeled.inference.cluster",
    "compare_runs": "unlabeled.evaluation.compare_runs",
    "discover": "unlabeled.discovery",
    "drift": "unlabeled.evaluation.drift",
    "embed": "unlabeled.inference.embed",
    "evaluate": "unlabeled.evaluation.evaluate",
    "forget": "unlabeled.inference.forget",
    "load_encoder": "unlabeled.export.encoder",
    "load_method": "unlabeled.training.method",
    "load_recipe": "unlabeled.recipe",
    "neighbours": "unlabeled.inference.neighbours",
    "pretrain": "unlabeled.training.pretrain",
    "restore": "unlabeled.inference.restore",
    "resume": "unlabeled.training.pretrain",
    "select": "unlabeled.evaluation.select",
    "update_batch_norm": "unlabeled.inference.update_batch_norm",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'unlabeled' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
