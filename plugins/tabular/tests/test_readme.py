"""The README's commands and Python run as they stand."""

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from unlabeled.cli.main import run

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_commands_run_as_they_stand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with Path("customers.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["age", "plan", "churned"])
        for _ in range(60):
            age = rng.integers(18, 90)
            table.writerow([age, rng.choice(["basic", "full"]), "yes" if age > 50 else "no"])
    commands = [line for line in blocks("")[0].splitlines() if line.startswith("unlabeled ")]
    assert len(commands) == 4
    for line in commands:
        arguments = shlex.split(line)[1:]
        short = ["--training.steps", "5"] if arguments[0] == "pretrain" else []
        assert run([*arguments, *short]) == 0, capsys.readouterr().err
    assert pq.read_table("rows.parquet").num_rows == 60


def test_the_python_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(blocks("python")[0].replace('"steps": 200', '"steps": 20'), scope)
    found = scope["found"]
    assert found.items == 178
    assert found.headline.added.against == "tabular/columns"
