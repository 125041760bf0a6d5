import json

import numpy as np
import pytest
import torch

from unlabeled.errors import RunError, UsageError
from unlabeled.export import onnx as module
from unlabeled.export.encoder import Provenance, load_encoder, load_reader, save_encoder
from unlabeled.export.onnx import export_onnx
from unlabeled.recipe import read_choice

pytest.importorskip("onnxruntime")


@pytest.fixture
def saved(vectors, tmp_path):
    def save(encoder, name, **origin):
        save_encoder(
            encoder,
            encoder_name=name,
            reader=read_choice("readers", {"name": "vectors/json"}, "here"),
            folder=tmp_path / "run" / "encoder",
            provenance=Provenance(recipe="vectors/tiny", pretext="vectors/memory", **origin),
        )
        return tmp_path / "run"

    return save


@pytest.fixture
def linear(saved):
    from unlabeled_vectors.parts import Linear, MixerSettings

    torch.manual_seed(0)
    return saved(Linear(MixerSettings(width=5)), "vectors/linear")


def test_another_runtime_gives_the_same_embedding_for_any_number_and_size(linear, tmp_path):
    import onnxruntime
    from unlabeled_vectors.parts import write

    done = export_onnx(linear, tmp_path / "encoder.onnx", output="steps")
    assert done.sizes == "any number of items of any size"
    assert done.difference < 1e-5

    write(tmp_path / "data", count=9, seed=5)
    encoder, reader = load_encoder(linear), load_reader(linear)
    batch = encoder.collate([reader.read(item) for item in reader.index(tmp_path / "data")])
    session = onnxruntime.InferenceSession(str(tmp_path / "encoder.onnx"))
    assert [each.name for each in session.get_inputs()] == ["values", "valid"]
    assert tuple(each.name for each in session.get_outputs()) == done.outputs
    given = {"values": batch.values.numpy(), "valid": batch.valid.numpy()}
    found = session.run(None, given)[0]
    with torch.no_grad():
        expected = encoder.encode(batch, "steps").values
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)

    described = json.loads(session.get_modelmeta().custom_metadata_map["unlabeled"])
    assert described["encoder"]["name"] == "vectors/linear"
    assert [file.name for file in tmp_path.glob("*onnx*")] == ["encoder.onnx"]


def test_a_graph_that_computes_something_else_is_removed(linear, tmp_path, monkeypatch):
    class Wrong(module.Traced):
        def forward(self, *tensors):
            return tuple(1.01 * part for part in super().forward(*tensors))

    monkeypatch.setattr(module, "Traced", Wrong)
    monkeypatch.setattr(module, "FORMS", module.FORMS[:1])
    with pytest.raises(RunError, match=r"written, but wrong by 0\.0"):
        export_onnx(linear, tmp_path / "encoder.onnx")
    assert not list(tmp_path.glob("*onnx*"))


def test_an_encoder_that_cannot_be_traced_says_so(saved, tmp_path, monkeypatch, capfd):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    monkeypatch.setattr(module, "FORMS", module.FORMS[:1])
    run = saved(Mixer(MixerSettings()), "vectors/mixer")
    with pytest.raises(RunError, match=r"vectors/mixer cannot be written as ONNX.\n  any number"):
        export_onnx(run, tmp_path / "encoder.onnx")
    assert not (tmp_path / "encoder.onnx").exists()
    assert capfd.readouterr() == ("", "")


def test_a_missing_extra_names_the_command(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'pip install "unlabeled\[onnx\]"'):
        export_onnx(linear, tmp_path / "encoder.onnx")


def test_an_unknown_output_lists_those_there_are(linear, tmp_path):
    with pytest.raises(UsageError, match=r"'points'\. There are: pooled, steps"):
        export_onnx(linear, tmp_path / "encoder.onnx", output="points")


def test_what_a_less_general_graph_cannot_do_is_said(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_trials", refuse_mixed(module._trials))
    done = export_onnx(linear, tmp_path / "encoder.onnx")
    assert done.sizes.startswith("any number of items, all of the same size")
    assert done.refused == ("any number of items of any size: not today",)
    assert done.checked


def refuse_mixed(trials):
    def some(encoder, samples, form):
        if form.mixed:
            raise RunError("not today")
        return trials(encoder, samples, form)

    return some
