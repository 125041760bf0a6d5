"""CROMA's weights in the layout of the released files, and back.

The official file is a mapping of five state dicts: s1_encoder, s1_GAP_FFN, s2_encoder, s2_GAP_FFN
and joint_encoder. Neither the decoder nor the contrastive heads are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled_remote_sensing.encoders.croma import CROMA

STREAMS = {"radar": "s1_encoder", "optical": "s2_encoder"}
HEADS = {"radar_head": "s1_GAP_FFN", "optical_head": "s2_GAP_FFN"}

IN_STREAM = (
    (r"embedding\.projection\.(.*)", r"linear_input.\1"),
    (r"blocks\.layers\.(\d+)\.attention_norm\.(.*)", r"transformer.layers.\1.0.input_norm.\2"),
    (r"blocks\.layers\.(\d+)\.attention\.qkv\.(.*)", r"transformer.layers.\1.0.to_qkv.\2"),
    (r"blocks\.layers\.(\d+)\.attention\.out\.(.*)", r"transformer.layers.\1.0.to_out.\2"),
    (r"blocks\.layers\.(\d+)\.mlp_norm\.(.*)", r"transformer.layers.\1.1.input_norm.\2"),
    (r"blocks\.layers\.(\d+)\.mlp\.0\.(.*)", r"transformer.layers.\1.1.net.0.\2"),
    (r"blocks\.layers\.(\d+)\.mlp\.2\.(.*)", r"transformer.layers.\1.1.net.3.\2"),
    (r"blocks\.norm\.(.*)", r"transformer.norm_out.\1"),
)
IN_JOINT = (
    (r"layers\.(\d+)\.attention_norm\.(.*)", r"layers.\1.0.input_norm.\2"),
    (r"layers\.(\d+)\.attention\.qkv\.(.*)", r"layers.\1.0.to_qkv.\2"),
    (r"layers\.(\d+)\.attention\.out\.(.*)", r"layers.\1.0.to_out.\2"),
    (r"layers\.(\d+)\.cross_norm\.(.*)", r"layers.\1.1.input_norm.\2"),
    (r"layers\.(\d+)\.cross_attention\.query\.(.*)", r"layers.\1.1.to_q.\2"),
    (r"layers\.(\d+)\.cross_attention\.out\.(.*)", r"layers.\1.1.to_out.\2"),
    (r"layers\.(\d+)\.mlp_norm\.(.*)", r"layers.\1.2.input_norm.\2"),
    (r"layers\.(\d+)\.mlp\.0\.(.*)", r"layers.\1.2.net.0.\2"),
    (r"layers\.(\d+)\.mlp\.2\.(.*)", r"layers.\1.2.net.3.\2"),
    (r"norm\.(.*)", r"norm_out.\1"),
)
KEY_VALUE = r"layers\.(\d+)\.cross_attention\.key_value\.weight"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """loaded: tensors of the file that were used; missing: our weights that the file lacks;
    left_over: tensors of the file without a counterpart here. Both lists in official names."""

    loaded: int
    missing: tuple[str, ...]
    left_over: tuple[str, ...]


def load_official(encoder: CROMA, path: Path) -> LoadReport:
    """Load a released file into `encoder`. Raises DataError if it is not one, or of another
    size."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise DataError(f"{path}: cannot be read as weights: {error}") from error
    if not isinstance(stored, Mapping) or not all(isinstance(v, Mapping) for v in stored.values()):
        raise DataError(f"{path}: expected a mapping of state dicts, found {type(stored).__name__}")
    flat = {f"{group}.{key}": x for group, part in stored.items() for key, x in part.items()}
    return load_official_state(encoder, flat, str(path))


def load_official_state(encoder: CROMA, flat: Mapping[str, Tensor], source: str) -> LoadReport:
    """As `load_official`, from one mapping with the group before each key."""
    own = dict(encoder.state_dict())
    wanted: set[str] = set()
    missing = []
    for ours, pieces in official_names(encoder):
        wanted.update(pieces)
        absent = [name for name in pieces if name not in flat]
        if absent:
            missing += absent
            continue
        value = torch.cat([flat[name] for name in pieces])
        if value.shape != own[ours].shape:
            raise DataError(
                f"{source}: {' + '.join(pieces)} is {tuple(value.shape)}, this encoder needs "
                f"{tuple(own[ours].shape)} (width {encoder.settings.width}, patch "
                f"{encoder.settings.patch}, bands "
                f"{[len(sensor.bands) for sensor in encoder.sensors.values()]})"
            )
        own[ours] = value
    encoder.load_state_dict(own)
    left_over = tuple(name for name in flat if name not in wanted)
    return LoadReport(len(wanted) - len(missing), tuple(missing), left_over)


def to_official(encoder: CROMA) -> dict[str, dict[str, Tensor]]:
    """The encoder's weights as the five state dicts of the released files."""
    own = encoder.state_dict()
    groups: dict[str, dict[str, Tensor]] = {}
    for ours, pieces in official_names(encoder):
        for name, value in zip(pieces, own[ours].chunk(len(pieces)), strict=True):
            group, key = name.split(".", 1)
            groups.setdefault(group, {})[key] = value.clone()
    return groups


def official_names(encoder: CROMA) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each weight of ours with the official tensors that make it up, in order along axis 0.

    Normalisation of the input is not in the released files, so it is not here.
    """
    for ours in encoder.state_dict():
        part, _, key = ours.partition(".")
        if part in HEADS:
            yield ours, (f"{HEADS[part]}.{key}",)
        elif part in STREAMS:
            yield ours, (f"{STREAMS[part]}.{_renamed(key, IN_STREAM)}",)
        elif part == "joint":
            yield ours, tuple(f"joint_encoder.{name}" for name in _joint_names(key))


def _joint_names(key: str) -> tuple[str, ...]:
    match = re.fullmatch(KEY_VALUE, key)
    if match:
        layer = f"layers.{match[1]}.1"
        return f"{layer}.to_k.weight", f"{layer}.to_v.weight"
    return (_renamed(key, IN_JOINT),)


def _renamed(key: str, rules: tuple[tuple[str, str], ...]) -> str:
    for ours, theirs in rules:
        if re.fullmatch(ours, key):
            return re.sub(ours, theirs, key)
    raise AssertionError(f"no official name for {key}")
