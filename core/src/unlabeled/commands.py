"""Command lines that messages suggest, to be pasted into a shell. Standard library only."""

from __future__ import annotations

import os
import shlex


def command(*words: object) -> str:
    """`unlabeled` and its words, quoted where a shell would take them apart."""
    return "unlabeled " + shlex.join(map(str, words))


def is_first_process() -> bool:
    """Whether this process speaks for a run: the only one, or the first of several.

    torchrun says so by RANK, srun by SLURM_PROCID, Fabric's own launcher by LOCAL_RANK.
    """
    names = ("RANK", "SLURM_PROCID", "LOCAL_RANK")
    return next((os.environ[name] for name in names if os.environ.get(name)), "0") == "0"
