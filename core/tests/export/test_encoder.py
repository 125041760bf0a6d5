import json
import subprocess
import sys

import pytest
import torch

from unlabeled.contract import Encoder
from unlabeled.errors import RecipeError, RunError
from unlabeled.export.encoder import (
    Provenance,
    load_encoder,
    load_reader,
    read_config,
    require_representation,
    save_encoder,
)
from unlabeled.recipe import read_choice

READER = {"name": "vectors/json", "scale": 2.0}


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=5, seed=0)
    return tmp_path / "data"


@pytest.fixture
def saved(vectors, tmp_path):
    """(a trained-looking encoder, the run folder it was saved in)."""
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(1)
    encoder = Mixer(MixerSettings(width=6))
    encoder.norm.running_mean.normal_()
    encoder.mean.fill_(0.5)
    save(encoder, tmp_path / "run" / "encoder")
    return encoder.eval(), tmp_path / "run"


def save(encoder: Encoder, folder, **origin):
    provenance = Provenance(recipe="vectors/tiny", pretext="vectors/pretext", steps=10, **origin)
    reader = read_choice("readers", READER, "here")
    return save_encoder(
        encoder,
        encoder_name="vectors/mixer",
        reader=reader,
        folder=folder,
        provenance=provenance,
    )


def embed_all(encoder, reader, data, output):
    items = reader.index(data)
    with torch.no_grad():
        return encoder.encode(encoder.collate([reader.read(item) for item in items]), output)


@pytest.mark.parametrize("inside", ["", "encoder"])
def test_a_loaded_encoder_embeds_as_the_saved_one(saved, data, inside):
    encoder, run = saved
    reader = load_reader(run / inside)
    expected = embed_all(encoder, reader, data, "pooled")
    loaded = load_encoder(run / inside)

    assert not loaded.training
    assert torch.equal(embed_all(loaded, reader, data, "pooled"), expected)
    assert reader.scale == 2.0


def test_another_process_with_only_the_plugin_gives_the_same_embedding(saved, data):
    encoder, run = saved
    script = f"""
import sys, torch
from unlabeled.export.encoder import load_encoder, load_reader
encoder, reader = load_encoder({str(run)!r}), load_reader({str(run)!r})
batch = encoder.collate([reader.read(item) for item in reader.index({str(data)!r})])
with torch.no_grad():
    print(encoder(batch).double().flatten().tolist())
heavy = {{"lightning_fabric", "sklearn", "lightly", "onnx"}} & sys.modules.keys()
assert not heavy, heavy
"""
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    expected = embed_all(encoder, load_reader(run), data, "pooled").double().flatten()
    assert json.loads(printed.stdout) == expected.tolist()


def test_loading_leaves_the_global_generator_alone(saved):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_encoder(saved[1])
    assert torch.equal(torch.rand(2), expected)


def test_tied_weights_come_back(vectors, tmp_path, data):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    encoder = Mixer(MixerSettings(width=4))
    encoder.second.weight = encoder.first.weight
    save(encoder, tmp_path / "tied")
    loaded = load_encoder(tmp_path / "tied")
    assert torch.equal(loaded.second.weight, encoder.first.weight)


def test_the_config_says_what_went_in_and_what_comes_out(saved):
    encoder, run = saved
    config = read_config(run)
    assert config.to_dict() == json.loads((run / "encoder" / "config.json").read_text())
    assert [output.name for output in config.outputs] == ["pooled", "steps", "points"]
    assert config.preprocessing["mean"] == [0.5] * 4
    assert {"unlabeled", "unlabeled-vectors", "torch"} <= config.versions.keys()
    card = (run / "encoder" / "README.md").read_text()
    assert "| steps | tokens | 6 |" in card
    parameters = sum(p.numel() for p in encoder.parameters())
    assert f"{parameters:,} parameters" in card


def test_a_later_format_is_refused_by_number(saved):
    file = saved[1] / "encoder" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(RunError, match=r"expected format 1, found 99.*pip install --upgrade"):
        load_encoder(saved[1])


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}'])
def test_a_broken_config_is_named(saved, text):
    (saved[1] / "encoder" / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json: expected the description"):
        read_config(saved[1])


def test_a_setting_the_plugin_no_longer_has_is_named(saved):
    file = saved[1] / "encoder" / "config.json"
    fields = json.loads(file.read_text())
    fields["encoder"]["depth"] = 3
    file.write_text(json.dumps(fields))
    with pytest.raises(RecipeError, match="depth"):
        load_encoder(saved[1])


def test_cut_weights_are_named(saved):
    file = saved[1] / "encoder" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(RunError, match=r"model\.safetensors: expected the weights"):
        load_encoder(saved[1])


def test_weights_of_another_shape_are_named(saved):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    _, run = saved
    save(Mixer(MixerSettings(width=3)), run / "other")
    (run / "other" / "model.safetensors").replace(run / "encoder" / "model.safetensors")
    with pytest.raises(RunError, match=r"expected the weights of the encoder in config\.json"):
        load_encoder(run)


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(RunError, match="found no such folder"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(RunError, match="found a folder without either"):
        read_config(tmp_path)
    (tmp_path / "recipe.yaml").write_text("reader:")
    with pytest.raises(RunError, match=r"no encoder yet\. unlabeled pretrain --resume"):
        read_config(tmp_path)


def test_a_restoration_run_names_its_command(saved, tmp_path):
    encoder, run = saved
    require_representation(read_config(run), run)
    save(encoder, tmp_path / "despeckle", kind="restoration")
    config = read_config(tmp_path / "despeckle")
    with pytest.raises(RunError, match="unlabeled restore"):
        require_representation(config, tmp_path / "despeckle")


def test_others_may_read_an_encoder_as_the_umask_says(saved):
    _, run = saved
    modes = {path.stat().st_mode & 0o777 for path in (run / "encoder").iterdir()}
    assert len(modes) == 1
    assert modes.pop() & 0o400
