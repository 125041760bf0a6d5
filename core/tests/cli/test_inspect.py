"""What a folder holds, by the readers that can take it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import toy_runs
from unlabeled_tides.synthetic import write

from unlabeled import discovery
from unlabeled.cli import inspect, main
from unlabeled.data.items import Items


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, count=6, seed=0)
    return folder


def test_a_folder_is_inspected_by_the_readers_that_take_the_settings(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "vectors")
    from unlabeled_vectors.plugin import plugin

    toy_runs.write_data(tmp_path / "data", count=6)
    found = discovery.Found("vectors", "unlabeled-vectors", "0.1.0", plugin=plugin)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))
    words = ["inspect", "vectors", str(tmp_path / "data")]
    assert main.run([*words, "--reader.extra", "1", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["reader"] == "vectors/private"
    assert main.run([*words, "--reader.exta", "1"]) == 2
    shown = capsys.readouterr().err
    assert "vectors/json: inspect, reader.exta: unknown key" in shown
    assert "Did you mean extra?" in shown


def test_columns_of_different_values_are_counted():
    assert inspect.commonest(Counter(a=3, b=1)) == {"a": 3, "b": 1}
    assert inspect.commonest(Counter("abcdef")) == {"different values": 6}
    assert inspect.commonest(Counter({"{" * 100: 3})) == {"different values": 1}
    many = Counter({str(number): 2 for number in range(12)})
    assert inspect.commonest(many)["other values"] == 2


def test_a_few_groups_are_named_with_one_of_their_items():
    ids, groups = [f"{n}.wav" for n in range(6)], ["", "ann", "ann", "ben", "cid", "dot"]
    items = Items.of({"id": ids, "source": ids, "size": [1] * 6, "group": groups})
    assert inspect._some_groups(items) == {"ann": "1.wav", "ben": "3.wav", "cid": "4.wav"}


def test_what_cannot_be_used_is_counted_apart_and_cut_short(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "vectors")
    from unlabeled_vectors.plugin import plugin

    toy_runs.write_data(tmp_path / "data", count=6)
    broken = sorted((tmp_path / "data").glob("*.json"))[0]
    for number in range(15):
        (broken.parent / f"bad{number:02}.json").write_text("[")
    found = discovery.Found("vectors", "unlabeled-vectors", "0.1.0", plugin=plugin)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))
    assert main.run(["inspect", "vectors", str(tmp_path / "data")]) == 0
    shown = capsys.readouterr().out
    assert "cannot be used: " in shown
    assert "and 5 more; --json lists all" in shown
