"""The core's commands, and command lines that messages suggest. Standard library only."""

from __future__ import annotations

import os
import shlex

COMMANDS = {
    "plugins": ("catalogue:plugins", "List installed plugins, and why one is unusable."),
    "recipes": ("catalogue:recipes", "List recipes, one line each, with their sources."),
    "describe": (
        "catalogue:describe",
        "Describe a plugin, a recipe or a component, and its settings.",
    ),
    "inspect": ("inspect:inspect", "Look at a folder's data: counts, sizes, groups, broken files."),
    "pretrain": ("pretrain:pretrain", "Train a recipe on a folder, resume or continue a run."),
    "update-batch-norm": (
        "use:update_batch_norm",
        "Write a run's encoder with the batch-norm statistics of other data.",
    ),
    "embed": ("use:embed", "Write the embeddings of a folder's items to Parquet."),
    "restore": ("use:restore", "Restore a folder's items by the run of a restoration."),
    "evaluate": ("use:evaluate", "Probe a run beside random encoders and raw features."),
    "select": (
        "select:select",
        "Rank runs and their checkpoints without labels, by RankMe.",
    ),
    "compare": (
        "compare:compare",
        "Assess several runs on the same labels, and compare all pairs.",
    ),
    "neighbours": (
        "use:neighbours",
        "List the rows of a table of embeddings nearest to an item or file.",
    ),
    "drift": (
        "drift:drift",
        "Whether new embeddings are distributed as the reference's; exit code 7 if not.",
    ),
    "cluster": ("use:cluster", "Group the items of tables of embeddings, by k-means."),
    "forget": ("forget:forget", "Remove a group, such as a patient, from a run or a table."),
    "report": (
        "report:report",
        "Write the report of a run, or of several side by side: one HTML page.",
    ),
    "watch": ("report:watch", "Show the report of a run while it trains, on this machine only."),
    "export": ("use:export", "Write the run's encoder for another program."),
    "check": ("check:check", "Run the conformance kit on a plugin."),
    "new-plugin": ("new_plugin:new_plugin", "Write a small working plugin to start from."),
}
"""By name: "module:function" below `unlabeled.cli`, and a line of help."""


def command(*words: object) -> str:
    """`unlabeled` and its words, quoted where a shell would take them apart."""
    return "unlabeled " + shlex.join(map(str, words))


def is_first_process() -> bool:
    """Whether this process speaks for a run: the only one, or the first of several.

    torchrun says so by RANK, srun by SLURM_PROCID, Fabric's own launcher by LOCAL_RANK.
    """
    names = ("RANK", "SLURM_PROCID", "LOCAL_RANK")
    return next((os.environ[name] for name in names if os.environ.get(name)), "0") == "0"
