"""Tensors of any layout are written, tied ones each for itself."""

import torch
from safetensors.torch import load_file

from unlabeled.weights import save_weights


def test_tied_and_strided_tensors_come_back(tmp_path):
    x = torch.arange(6.0).reshape(2, 3)
    save_weights({"one": x, "tied": x, "turned": x.T}, tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")
    assert torch.equal(found["one"], x)
    assert torch.equal(found["tied"], x)
    assert torch.equal(found["turned"], x.T)


def test_others_may_read_them_as_other_files(tmp_path):
    (tmp_path / "other").touch()
    save_weights({"one": torch.ones(1)}, tmp_path / "w.safetensors")
    modes = {file.stat().st_mode for file in tmp_path.iterdir()}
    assert len(modes) == 1
