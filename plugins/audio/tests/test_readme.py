"""The README's commands and Python run as they stand, on synthetic recordings."""

import re
from pathlib import Path

import pytest

from unlabeled.cli.main import run
from unlabeled_audio.synthetic import write_chirps

README = (Path(__file__).parents[1] / "README.md").read_text()


COMMANDS = ["inspect", "pretrain", "embed", "similar", "evaluate"]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("recordings", "labelled"):
        (tmp_path / name).mkdir()
        write_chirps(tmp_path / name, count=24, seed=0)
    (tmp_path / "labelled" / "labels.csv").rename(tmp_path / "labels.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_and_python_run_as_they_stand(home, capsys):
    commands = [line for line in blocks("")[0].splitlines() if line.startswith("unlabeled ")]
    assert [line.split()[1] for line in commands] == COMMANDS
    for line in commands:
        arguments = line.replace("~/", f"{home}/").split()[1:]
        short = ["--epochs", "1"] if arguments[0] == "pretrain" else []
        assert run([*arguments, *short]) == 0, capsys.readouterr().err
    assert (home / "embeddings.parquet").is_file()
    scope = {}
    exec(blocks("python")[0], scope)
    assert scope["embeddings"].shape == (24, 192)
    assert scope["frames"].valid.shape[0] == 24
