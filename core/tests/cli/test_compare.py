"""`unlabeled compare`: two tables for people, one document for programs."""

import json

import torch

from unlabeled.cli.main import run


def test_runs_and_pairs_are_shown(save_mixer, vectors, tmp_path, capsys):
    from unlabeled_vectors.parts import Mixer, MixerSettings, write

    write(tmp_path / "data", count=60, seed=0)
    runs = []
    for width in (4, 16):
        torch.manual_seed(0)
        runs.append(str(save_mixer(Mixer(MixerSettings(width=width)).eval(), f"w{width}")))
    words = ["--data", str(tmp_path / "data"), "--labels", str(tmp_path / "data" / "labels.csv")]
    assert run(["compare", *runs, *words, "--target", "strength"]) == 0
    shown = capsys.readouterr().out
    assert "60 items" in shown
    assert "95 % (all pairs)" in shown
    assert run(["compare", *runs, *words, "--target", "strength", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["name"] for each in found["candidates"]} == set(runs)
    assert len(found["pairs"]) == 1


def test_a_single_run_is_a_wrong_use(save_mixer, vectors, tmp_path, capsys):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    one = str(save_mixer(Mixer(MixerSettings(width=4)).eval()))
    assert run(["compare", one, "--data", str(tmp_path)]) == 2
    assert "more than their seed" in capsys.readouterr().err
