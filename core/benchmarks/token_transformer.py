"""The token transformer beside lightly's masked vision transformer, the same weights in both.

run: OMP_NUM_THREADS=1 python core/benchmarks/token_transformer.py

ViT-S/16 at 224 × 224 with a class token, 49 of 196 patches visible, forward and backward. The two
alternate in one process; the ratio (lightly / ours, above 1 is faster) and its quartiles are
printed, after checking that both give the same tokens.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from lightly.models.modules.masked_vision_transformer_torchvision import (
    MaskedVisionTransformerTorchvision,
)
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from unlabeled.encoders.token_transformer import TokenTransformer

WIDTH, DEPTH, HEADS, PATCH, SIZE = 384, 12, 6, 16, 224


def copied(theirs: MaskedVisionTransformerTorchvision) -> TokenTransformer:
    """Ours, with the weights of theirs."""
    vit = theirs.vit
    ours = TokenTransformer(
        channels=3,
        patch=(PATCH, PATCH),
        width=WIDTH,
        depth=DEPTH,
        heads=HEADS,
        positions="learned",
        grid=(SIZE // PATCH, SIZE // PATCH),
        prefix=1,
    )
    table = vit.encoder.pos_embedding.data[0]
    ours.embedding.projection.weight.data = vit.conv_proj.weight.data.flatten(1)
    ours.embedding.projection.bias.data = vit.conv_proj.bias.data
    ours.learned.table.data = table[1:].reshape(SIZE // PATCH, SIZE // PATCH, WIDTH)
    # Theirs also adds a position to the class token.
    ours.prefix.data = vit.class_token.data[0] + table[:1]
    for block, layer in zip(ours.blocks.layers, vit.encoder.layers, strict=True):
        block.attention_norm.load_state_dict(layer.ln_1.state_dict())
        block.attention.qkv.weight.data = layer.self_attention.in_proj_weight.data
        block.attention.qkv.bias.data = layer.self_attention.in_proj_bias.data
        block.attention.out.load_state_dict(layer.self_attention.out_proj.state_dict())
        block.mlp_norm.load_state_dict(layer.ln_2.state_dict())
        block.mlp[0].load_state_dict(layer.mlp[0].state_dict())
        block.mlp[2].load_state_dict(layer.mlp[3].state_dict())
    ours.blocks.norm.load_state_dict(vit.encoder.ln.state_dict())
    return ours


def seconds(run: Callable[[], Tensor], module: nn.Module) -> float:
    module.zero_grad()
    start = time.perf_counter()
    run().sum().backward()
    return time.perf_counter() - start


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--batch", type=int, default=16)
    arguments.add_argument("--rounds", type=int, default=15)
    options = arguments.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    vit = VisionTransformer(SIZE, PATCH, DEPTH, HEADS, WIDTH, 4 * WIDTH)
    theirs = MaskedVisionTransformerTorchvision(vit).train()
    ours = copied(theirs).train()
    images = torch.randn(options.batch, 3, SIZE, SIZE)
    visible = torch.rand(options.batch, 196).argsort(1)[:, :49]
    # Theirs counts the class token as place 0.
    keep = nn.functional.pad(visible + 1, (1, 0))

    def run_ours() -> Tensor:
        return ours(images, visible=visible).tokens.values

    def run_theirs() -> Tensor:
        return theirs.encode(images, idx_keep=keep)[:, 1:]

    torch.testing.assert_close(run_ours(), run_theirs(), rtol=1e-4, atol=1e-4)
    ratios = []
    for number in range(options.rounds + 1):
        pair = [(run_ours, ours), (run_theirs, theirs)]
        taken = {run: seconds(run, module) for run, module in (pair if number % 2 else pair[::-1])}
        if number:  # the first round warms up
            ratios.append(taken[run_theirs] / taken[run_ours])
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"lightly / ours: {middle:.3f} (quartiles {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
