"""Weights of our vision transformer to and from MONAI's, alone or inside UNETR.

Both are pre-norm transformers on patches cut by a convolution. MONAI's is made for one size of
input and stores a position for each of its patches; ours computes sines and cosines for any size,
so positions are written for a given size, and not read back. A perceptron in place of the
convolution orders the values of a patch differently and is not read. MONAI's norms add 1e-5 to the
variance, ours 1e-6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from unlabeled.encoders.patches import grid_of
from unlabeled.encoders.positions import sine_positions
from unlabeled.errors import RecipeError, ShapeError
from unlabeled_medical.encoders.swin import Matched
from unlabeled_medical.encoders.vit import ViT

NAMES = {
    "embedding.projection.": "patch_embedding.patch_embeddings.",
    "blocks.norm.": "norm.",
    "blocks.layers.": "blocks.",
    ".attention_norm.": ".norm1.",
    ".mlp_norm.": ".norm2.",
    ".attention.qkv.": ".attn.qkv.",
    ".attention.out.": ".attn.out_proj.",
    ".mlp.0.": ".mlp.linear1.",
    ".mlp.2.": ".mlp.linear2.",
}
"""Our names in MONAI's."""
PREFIXES = ("module.vit.", "vit.", "module.", "")
POSITIONS = "patch_embedding.position_embeddings"


def vit_to_monai(encoder: ViT, size: Sequence[int]) -> dict[str, Tensor]:
    """The weights as MONAI's ViT takes them by `load_state_dict(..., strict=False)`.

    size: its `img_size`; it must be made with `qkv_bias=True`. Raises RecipeError for an encoder
    with positions of another kind, ShapeError for a size of no whole patches.
    """
    if encoder.settings.positions != "sine":
        raise RecipeError(
            f"encoder.positions: MONAI's ViT has none like {encoder.settings.positions}"
        )
    if len(size) != encoder.rank or any(s % encoder.settings.patch for s in size):
        raise ShapeError(
            f"expected {encoder.rank} sizes in patches of {encoder.settings.patch}, found {size}"
        )
    weights = {_theirs(name): value for name, value in encoder.transformer.state_dict().items()}
    kernel = "patch_embedding.patch_embeddings.weight"
    weights[kernel] = weights[kernel].unflatten(1, (encoder.channels, *encoder.patch))
    weights[POSITIONS] = sine_positions(grid_of(size, encoder.patch), encoder.token_width)
    return weights


def vit_from_monai(encoder: ViT, weights: Mapping[str, Tensor]) -> Matched:
    """Load weights from the state dict of a MONAI ViT or UNETR, and list which ones fit."""
    own = encoder.transformer.state_dict()
    ours = {_theirs(name): name for name in own}
    found, other = {}, []
    for name, value in weights.items():
        bare = next(name[len(p) :] for p in PREFIXES if name.startswith(p))
        same = ours.get(bare)
        flat = value.flatten(1) if bare.endswith("patch_embeddings.weight") else value
        if same and own[same].shape == flat.shape:
            found[same] = flat
        else:
            other.append(name)
    encoder.transformer.load_state_dict(found, strict=False)
    return Matched(tuple(found), tuple(other), tuple(name for name in own if name not in found))


def _theirs(name: str) -> str:
    for ours, theirs in NAMES.items():
        name = name.replace(ours, theirs)
    return name
