"""Segmentation from few labelled volumes: a linear head on frozen features, or fine-tuning.

Both put one linear map from voxel features to classes on top of an encoder. The dense probe fits
it alone, on standardised features; fine-tuning trains it with the encoder. Both minimise
cross-entropy plus soft Dice (Milletari et al. 2016, arXiv:1606.04797), since cross-entropy alone
leaves a rare class to the background.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from scipy import ndimage
from torch import Tensor, nn

from unlabeled.contract import Encoder
from unlabeled.randomness import keyed_rng
from unlabeled.settings import Settings
from unlabeled_medical.encoders.maps import mappable
from unlabeled_medical.encoders.uni_vit import UniViT
from unlabeled_medical.evaluators.overlap import dice, hausdorff95
from unlabeled_medical.evaluators.voxels import VoxelFeatures, voxel_features
from unlabeled_medical.volume import Volume, VolumeBatch

Describe = Callable[[Volume], VoxelFeatures]
Predict = Callable[[Volume], np.ndarray]
"""(*S,) the class of every voxel."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """mask: (*S,) whole numbers, 0 is background."""

    volume: Volume
    mask: np.ndarray


@dataclass(frozen=True, slots=True)
class Fit:
    """Of one volume. dice, hd95 (mm): means over the classes; NaN distances are left out."""

    dice: float
    hd95: float


class DenseProbe(Settings):
    """A linear head on the frozen features of drawn voxels, by cross-entropy plus soft Dice.

    Its penalty is chosen for each encoder, because few features need less of it than many: half of
    the labelled volumes predict the other half, and the best Dice wins. With a single volume
    nothing can be left out, and the middle penalty is used.
    """

    voxels: int = Field(8_000, ge=100, description="drawn from all labelled volumes together")
    penalties: tuple[float, ...] = Field(
        (1e-2, 1e-3, 1e-4), min_length=1, description="of the squared weights, to choose from"
    )
    iterations: int = Field(100, ge=1, description="of L-BFGS")

    def fit(self, describe: Describe, labelled: Sequence[Labelled], classes: int) -> Predict:
        """describe: frozen; labelled: the few volumes to learn from."""
        share = self.voxels // len(labelled)
        drawn = [_draw(describe, each, share, number) for number, each in enumerate(labelled)]
        features = torch.cat([f for f, _ in drawn])
        mean, spread = features.mean(dim=0), features.std(dim=0).clamp(min=1e-6)
        drawn = [((f - mean) / spread, target) for f, target in drawn]
        head = self._regress(drawn, classes, self._choose(drawn, classes))
        weight = (head.weight / spread).detach()
        bias = (head.bias - weight @ mean).detach()

        def predict(volume: Volume) -> np.ndarray:
            best: np.ndarray = describe(volume).mapped(weight, bias).argmax(dim=0).numpy()
            return best

        return torch.no_grad()(predict)

    def _choose(self, drawn: Sequence[tuple[Tensor, Tensor]], classes: int) -> float:
        falling = sorted(self.penalties, reverse=True)
        if len(drawn) < 2 or len(falling) < 2:
            return falling[len(falling) // 2]
        found = dict.fromkeys(falling, 0.0)
        halves = drawn[::2], drawn[1::2]
        for learnt, left_out in (halves, halves[::-1]):
            head = None
            features, target = (torch.cat(parts) for parts in zip(*left_out, strict=True))
            for penalty in falling:
                head = self._regress(learnt, classes, penalty, head)
                guess = head(features).argmax(dim=1).numpy()
                truth = target.numpy()
                found[penalty] += sum(dice(guess == c, truth == c) for c in range(1, classes))
        return max(found, key=found.__getitem__)

    def _regress(
        self,
        drawn: Sequence[tuple[Tensor, Tensor]],
        classes: int,
        penalty: float,
        start: nn.Linear | None = None,
    ) -> nn.Linear:
        """start: goes on from there, which is quicker."""
        features, target = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        head = nn.Linear(features.shape[1], classes)
        if start is None:
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        else:
            head.load_state_dict(start.state_dict())
        optimiser = torch.optim.LBFGS(
            head.parameters(),
            max_iter=self.iterations,
            tolerance_change=1e-6,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = overlap_loss(head(features), target, classes)
            loss = loss + penalty * head.weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return head


class FineTuning(Settings):
    """Encoder and head trained together, by cross-entropy plus soft Dice, one volume a step."""

    steps: int = Field(100, ge=1, description="optimiser steps")
    lr: float = Field(1e-3, gt=0, description="peak learning rate of AdamW; linear to 0")

    def fit(self, encoder: Encoder, labelled: Sequence[Labelled], classes: int) -> Predict:
        """encoder: stays unchanged; a copy is trained. Draws are the same for every encoder."""
        tuned = copy.deepcopy(encoder).eval()  # batch-norm statistics of few volumes mislead
        maps = mappable(_of_rank(tuned, len(labelled[0].volume.size)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            head = nn.Linear(sum(maps.map_widths), classes)
        weights = [*tuned.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=self.lr)
        rng = keyed_rng("fine-tuning", len(labelled))
        for step in range(self.steps):
            optimiser.param_groups[0]["lr"] = self.lr * (1 - step / self.steps)
            drawn = labelled[int(rng.integers(len(labelled)))]
            logits = _features(tuned, drawn.volume).mapped(head.weight, head.bias)
            target = torch.from_numpy(drawn.mask).long().flatten()
            loss = overlap_loss(logits.flatten(1).T, target, classes)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()

        def predict(volume: Volume) -> np.ndarray:
            features = _features(tuned, volume)
            best: np.ndarray = features.mapped(head.weight, head.bias).argmax(dim=0).numpy()
            return best

        return torch.no_grad()(predict)


def overlap_loss(logits: Tensor, target: Tensor, classes: int) -> Tensor:
    """Cross-entropy plus 1 - soft Dice, the mean over the classes but 0, over all voxels together.
    logits: (N, classes); target: (N,) int64. An absent class does not count.
    """
    truth = F.one_hot(target, classes)[:, 1:].to(logits.dtype)
    found = logits.softmax(dim=1)[:, 1:]
    overlap = 2 * (found * truth).sum(dim=0) / (found + truth).sum(dim=0).clamp(min=1e-6)
    return F.cross_entropy(logits, target) + 1 - overlap.mean()


def frozen(encoder: Encoder) -> Describe:
    """The features of an encoder, in eval mode and without gradient. Raises RecipeError."""
    encoder.eval()
    if not isinstance(encoder, UniViT):
        mappable(encoder)

    def describe(volume: Volume) -> VoxelFeatures:
        return _features(encoder, volume)

    return torch.no_grad()(describe)


def neighbourhood(volume: Volume) -> VoxelFeatures:
    """The raw baseline: each voxel's own values, means over 3, 7 and 15 voxels a side, and the
    products of each two of them, by which a linear head can separate grey from dark and bright.
    Averages stop at the border.
    """
    parts = [volume.values]
    for side in (3, 7, 15):
        window = (1, *[side] * len(volume.size))
        total, known = (
            ndimage.uniform_filter(x, window, mode="constant")
            for x in (volume.values.numpy(), np.ones(volume.values.shape, np.float32))
        )
        parts.append(torch.from_numpy(total / known))
    return VoxelFeatures([with_products(torch.cat(parts))], (1,), volume.size)


def placed(describe: Describe) -> Describe:
    """Adds the position of a voxel in the volume: its coordinates and their products."""

    def described(volume: Volume) -> VoxelFeatures:
        features = describe(volume)
        axes = [torch.linspace(-1, 1, length) for length in volume.size]
        place = with_products(torch.stack(torch.meshgrid(*axes, indexing="ij")))
        maps, strides = [*features.maps, place], [*features.strides, 1]
        return VoxelFeatures(maps, strides, features.size, features.centred)

    return described


def with_products(values: Tensor) -> Tensor:
    """(C, *S) -> (C (C + 3) / 2, *S): followed by the products of each two of them."""
    first, second = torch.triu_indices(len(values), len(values))
    return torch.cat([values, values[first] * values[second]])


def score(predict: Predict, labelled: Labelled, classes: int) -> Fit:
    """Compare one prediction with its truth."""
    found = predict(labelled.volume)
    pairs = [(found == each, labelled.mask == each) for each in range(1, classes)]
    far = [hausdorff95(a, b, labelled.volume.spacing) for a, b in pairs]
    known = [distance for distance in far if not np.isnan(distance)]
    return Fit(
        float(np.mean([dice(a, b) for a, b in pairs])),
        float(np.mean(known)) if known else float("nan"),
    )


def _features(encoder: Encoder, volume: Volume) -> VoxelFeatures:
    encoder = _of_rank(encoder, len(volume.size))
    batch = cast(VolumeBatch, encoder.collate([volume]))
    return voxel_features(mappable(encoder), batch)


def _of_rank(encoder: Encoder, rank: int) -> Encoder:
    """One of images and volumes together is here the one of either."""
    return encoder.branch(rank) if isinstance(encoder, UniViT) else encoder


def _draw(describe: Describe, labelled: Labelled, count: int, number: int) -> tuple[Tensor, Tensor]:
    rows = describe(labelled.volume).rows()
    target = torch.from_numpy(labelled.mask).long().flatten()
    places = keyed_rng("voxels", number).permutation(len(rows))[:count]
    index = torch.from_numpy(places)
    return rows[index], target[index]
