"""The toy recordings: seeded, labelled, readable, and told apart by what a call is."""

import csv

import numpy as np

from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.synthetic import CALLS, write_chirps


def test_the_seed_alone_decides(tmp_path):
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        write_chirps(tmp_path / name, count=4, seed=seed)
        contents.append([f.read_bytes() for f in sorted((tmp_path / name).glob("*.wav"))])
    assert contents[0] == contents[1] != contents[2]


def test_labels_name_every_file(tmp_path):
    write_chirps(tmp_path, count=24, seed=0)
    with (tmp_path / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    items = Clips().index(tmp_path)
    assert [row["item"] for row in rows] == [item.id for item in items]
    assert {row["label"] for row in rows} == set(CALLS)
    for group in {row["group"] for row in rows}:
        assert {row["label"] for row in rows if row["group"] == group} == set(CALLS)


def test_recordings_share_a_recorder(tmp_path):
    items = Clips(**write_chirps(tmp_path, count=24, seed=0)).index(tmp_path)
    groups = items.table["group"].to_pylist()
    assert sorted(set(groups)) == ["recorder0", "recorder1", "recorder2"]
    with (tmp_path / "labels.csv").open() as file:
        assert [row["group"] for row in csv.DictReader(file)] == groups


def test_a_rising_call_rises(tmp_path):
    write_chirps(tmp_path, count=8, seed=0)
    reader = Clips()
    for item in reader.index(tmp_path):
        index = int(item.id[:4])
        if CALLS[index % 4] not in ("rising", "falling"):
            continue
        wave = reader.read(item).values[0].numpy()
        thirds = [wave[len(wave) * k // 10 : len(wave) * (k + 2) // 10] for k in (3, 5)]
        peaks = [np.abs(np.fft.rfft(part)).argmax() / len(part) for part in thirds]
        assert (peaks[1] > peaks[0]) == (CALLS[index % 4] == "rising")
