"""Labels of stretches of recordings: judged by the frames between their ends, through the CLI."""

import csv
import json

import numpy as np
import pytest
import soundfile

from unlabeled.cli.main import run

RATE = 16_000
SMALL = [
    *("--encoder.features.bins", "32", "--encoder.patch", "[32, 2]", "--encoder.width", "24"),
    *("--encoder.depth", "1", "--training.steps", "2", "--training.batch-size", "4"),
]


@pytest.fixture
def calls(tmp_path):
    """Six recordings of calls of 0.3 s, high or low, and a table that says when each is heard."""
    rng = np.random.default_rng(0)
    folder, rows = tmp_path / "recordings", []
    folder.mkdir()
    for number in range(6):
        names = rng.permutation(["high", "low"] * 3)
        time = np.arange(int(0.3 * RATE)) / RATE
        parts = [np.sin(2 * np.pi * (3000 if name == "high" else 500) * time) for name in names]
        sound = 0.3 * np.concatenate(parts) + 0.01 * rng.standard_normal(6 * len(time))
        soundfile.write(folder / f"{number}.wav", sound, RATE)
        for place, name in enumerate(names):
            ends = {"start": 0.3 * place, "end": 0.3 * (place + 1)}
            rows.append({"item": f"{number}.wav", **ends, "call": name, "group": f"{number}"})
    with (tmp_path / "calls.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_stretches_are_told_apart_by_their_frames(calls, capsys):
    folder, out = str(calls / "recordings"), str(calls / "run")
    assert run(["pretrain", "audio/ssast", folder, "--out", out, *SMALL]) == 0
    capsys.readouterr()
    labels = ["--labels", str(calls / "calls.csv"), "--evaluation.random-encoders", "1"]
    assert run(["evaluate", out, folder, *labels, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["items"], found["groups"], found["output"]) == (36, 6, "frames")
    assert found["rows"][0]["score"] > 0.9
    few = ["--evaluation.probe.name", "audio/few_labels", "--evaluation.probe.per-class", "2"]
    assert run(["evaluate", out, folder, *labels, *few, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["about"]["probe"]["per_class"] == 2
