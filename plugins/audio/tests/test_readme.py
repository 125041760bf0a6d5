"""The README's commands and Python run as they stand, on synthetic recordings."""

import re
import runpy
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from unlabeled.cli.main import run
from unlabeled_audio.synthetic import write_chirps

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


INLINE = re.compile(r"`((?:unlabeled embed|--reader.window|--probe|--evaluation.probe)[^`]*)`")
COMMANDS = ["inspect", "pretrain", "embed", "neighbours", "evaluate"]


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


def test_what_the_running_text_offers_works(home, capsys):
    """Frames with their times, every probe, and windows as items, on runs of two steps."""
    frames, windows, *probes = INLINE.findall(README)
    short = ["--training.steps", "2", "--training.batch-size", "4"]

    def call(*arguments):
        assert run([*arguments]) == 0, capsys.readouterr().err

    call("pretrain", "audio/ssast", "recordings", "--out", "runs/mine", *short)
    call(*frames.replace("~/", f"{home}/").split()[1:])
    times = pq.read_table("frames.parquet")["position"].to_pylist()
    assert 0 < times[0][0] < times[1][0]
    judge = ["evaluate", "runs/mine", "labelled", "--labels", "labels.csv"]
    assert len(probes) == 4
    for probe in probes:
        call(*judge, *probe.split(), "--evaluation.random-encoders", "1")
    shorter = windows.replace(" 2 ", " 0.3 ").replace(" 1", " 0.2").split()
    call("pretrain", "audio/ssast", "recordings", "--out", "runs/windows", *short, *shorter)
    call("embed", "runs/windows", "recordings", "--out", "windows.parquet")
    assert pq.read_table("windows.parquet").num_rows > 24


def test_the_tables_are_what_the_benchmark_prints_of_its_results():
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "audio.py"))
    printed = benchmark["markdown"](benchmark["results"]()).splitlines()
    rows = [line for line in printed if line.startswith("|")]
    assert rows
    page = (ROOT / "benchmarks" / "README.md").read_text()
    assert not [row for row in rows if f"{row}\n" not in page]
    # And no row of a run that is not there.
    assert not set(re.findall(r"^\| `audio/\w+` \| \d .*", page, re.MULTILINE)) - set(rows)
