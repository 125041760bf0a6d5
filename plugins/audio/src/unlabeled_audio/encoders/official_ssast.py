"""The authors' SSAST checkpoints as an AST encoder, with a list of the weights used.

Layout: that of the published `SSAST-*-{Patch,Frame}-*.pth` files (Gong et al., AAAI 2022), a
state dict of a distilled DeiT inside a DataParallel wrapper.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled_audio.encoders.ast import AST, ASTSettings

MEAN, DEVIATION = -4.2677393, 4.5689974
"""Of AudioSet and LibriSpeech, with which all of them were trained."""

HEAD_WIDTH = 64
PARTS = {
    "attention_norm": "norm1",
    "attention.qkv": "attn.qkv",
    "attention.out": "attn.proj",
    "mlp_norm": "norm2",
    "mlp.0": "mlp.fc1",
    "mlp.2": "mlp.fc2",
}


@dataclass(frozen=True, slots=True)
class WeightReport:
    """matched: our names; unused: names of the file that an encoder lacks (the heads of
    pretraining, the mask vector, classifiers)."""

    matched: tuple[str, ...]
    unused: tuple[str, ...]


def read_official_ssast(path: Path | str) -> tuple[AST, WeightReport]:
    """The encoder that a checkpoint describes, with its weights, for 16 kHz sound; eval mode.

    Read as tensors only: no code runs from the file. Raises DataError if the file cannot be read,
    is not of that layout, or holds a tensor of another shape.
    """
    weights = _read(Path(path))
    depth = sum(name.endswith(".norm1.weight") for name in weights)
    try:
        encoder = AST(_settings(weights, depth))
        ours, used = _translate(weights, depth)
        table = encoder.state_dict()["transformer.learned.table"]
        ours["transformer.learned.table"] = ours["transformer.learned.table"].reshape(table.shape)
        encoder.load_state_dict(ours)
    except (KeyError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{path}: expected an SSAST checkpoint of the authors, found one without or with "
            f"another {error}"
        ) from error
    unused = sorted(set(weights) - used)
    return encoder.eval(), WeightReport(tuple(sorted(ours)), tuple(unused))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: expected a file of tensors, found: {error}") from error
    if not isinstance(loaded, Mapping):
        raise DataError(f"{path}: expected named tensors, found {type(loaded).__name__}")
    return {name.removeprefix("module."): value for name, value in loaded.items()}


def _settings(weights: Mapping[str, Tensor], depth: int) -> ASTSettings:
    width, _, high, long = weights["v.patch_embed.proj.weight"].shape
    bins, frames = int(weights["p_input_fdim"]), int(weights["p_input_tdim"])
    return ASTSettings.model_validate(
        {
            "sample_rate": 16_000,
            "features": {"kind": "kaldi", "bins": bins},
            "patch": (high, long),
            "width": width,
            "depth": depth,
            "heads": width // HEAD_WIDTH,
            "seconds": ((frames - 1) * 10 + 25) / 1000,
            "class_tokens": 2 if "v.dist_token" in weights else 1,
        }
    )


def _translate(weights: Mapping[str, Tensor], depth: int) -> tuple[dict[str, Tensor], set[str]]:
    """Our state dict, and the names of the file that went into it."""
    names = {
        "transformer.blocks.norm": "v.norm",
        "transformer.embedding.projection": "v.patch_embed.proj",
    }
    for block in range(depth):
        for part, theirs in PARTS.items():
            names[f"transformer.blocks.layers.{block}.{part}"] = f"v.blocks.{block}.{theirs}"
    pairs = {f"{a}.{kind}": f"{b}.{kind}" for a, b in names.items() for kind in ("weight", "bias")}
    ours = {name: weights[theirs] for name, theirs in pairs.items()}
    projection = ours["transformer.embedding.projection.weight"]
    ours["transformer.embedding.projection.weight"] = projection.flatten(1)
    # The file adds positions to the class tokens; ours have theirs built in.
    tokens = [name for name in ("v.cls_token", "v.dist_token") if name in weights]
    count, positions = len(tokens), weights["v.pos_embed"][0]
    prefix = torch.cat([weights[name][0] for name in tokens])
    ours["transformer.prefix"] = prefix + positions[:count]
    ours["transformer.learned.table"] = positions[count:]
    ours["features.mean"] = torch.full((1, 1), MEAN)
    ours["features.deviation"] = torch.full((1, 1), DEVIATION)
    shapes = {"p_input_fdim", "p_input_tdim"}
    return ours, {*pairs.values(), *tokens, "v.pos_embed", *shapes}
