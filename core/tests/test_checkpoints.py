import pytest
import torch
from safetensors.torch import save_file

from unlabeled.checkpoints import newest, read_model, step_of
from unlabeled.errors import RunError


def test_the_newest_whole_one_is_found(tmp_path):
    assert newest(tmp_path) is None
    for name in ("step-00000009", "step-00000120", ".step-00000130.1.partial", "step-13"):
        (tmp_path / name).mkdir()
    assert step_of(newest(tmp_path)) == 120


def test_weights_are_read_and_a_damaged_file_is_named(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors")
    assert torch.equal(read_model(tmp_path)["a"], torch.ones(2))
    (tmp_path / "model.safetensors").write_bytes(b"no")
    with pytest.raises(RunError, match=r"the checkpoint is damaged.*Remove this folder"):
        read_model(tmp_path)
