"""Command lines in messages."""

import shlex

from unlabeled.commands import command


def test_paths_are_quoted():
    line = command("pretrain", "--resume", "my runs/o'brien; rm")
    assert shlex.split(line) == ["unlabeled", "pretrain", "--resume", "my runs/o'brien; rm"]
    assert command("embed", "runs/birds", "DATA") == "unlabeled embed runs/birds DATA"
