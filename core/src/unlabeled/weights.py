"""Tensors in safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor


def save_weights(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors of any device and layout; those that share memory (tied weights) one by one.

    Raises OSError, SafetensorError.
    """
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        address = tensor.untyped_storage().data_ptr()
        shared = address in seen  # safetensors refuses them
        seen.add(address)
        # By default a clone keeps the strides of a transposed tensor.
        form = torch.contiguous_format
        plain = tensor.detach()
        own[name] = plain.clone(memory_format=form) if shared else plain.contiguous()
    path.touch()
    mode = path.stat().st_mode
    save_file(own, path)
    path.chmod(mode)  # safetensors makes a file that only its owner may read
