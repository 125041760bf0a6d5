"""Segmentation from few labelled volumes by a linear head on frozen features.

One linear map from voxel features to classes, fitted on standardised features. Like fine-tuning it
minimises cross-entropy plus soft Dice (Milletari et al. 2016, arXiv:1606.04797), since
cross-entropy alone leaves a rare class to the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.randomness import keyed_rng
from unlabeled.settings import Settings
from unlabeled_medical.assessments.overlap import dice, hausdorff95
from unlabeled_medical.assessments.voxels import Describe
from unlabeled_medical.volume import Volume

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


def overlap_loss(logits: Tensor, target: Tensor, classes: int) -> Tensor:
    """Cross-entropy plus 1 - soft Dice, the mean over the classes but 0, over all voxels together.
    logits: (N, classes); target: (N,) int64. An absent class does not count.
    """
    truth = F.one_hot(target, classes)[:, 1:].to(logits.dtype)
    found = logits.softmax(dim=1)[:, 1:]
    overlap = 2 * (found * truth).sum(dim=0) / (found + truth).sum(dim=0).clamp(min=1e-6)
    return F.cross_entropy(logits, target) + 1 - overlap.mean()


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


def _draw(describe: Describe, labelled: Labelled, count: int, number: int) -> tuple[Tensor, Tensor]:
    rows = describe(labelled.volume).rows()
    target = torch.from_numpy(labelled.mask).long().flatten()
    places = keyed_rng("voxels", number).permutation(len(rows))[:count]
    index = torch.from_numpy(places)
    return rows[index], target[index]
