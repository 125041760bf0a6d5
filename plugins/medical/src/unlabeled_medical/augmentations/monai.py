"""Any array transform of MONAI, by its name: bias fields, affine maps, Gibbs ringing …"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from unlabeled.augmentations.seeded import seeded
from unlabeled.contract import Range
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Monai(Settings):
    """One of `monai.transforms`, drawn from our generator; its name and what it is called with.

    The volume goes in as a MetaTensor, so spatial transforms carry the affine along.
    """

    keeps: ClassVar[str] = "what the transform keeps"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    transform: str = Field("RandBiasField", description="class of monai.transforms, for arrays")
    arguments: dict[str, Any] = Field(
        {"prob": 1.0}, description="what it is called with, as MONAI documents it"
    )

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        """Raises RecipeError for a transform or arguments that MONAI does not have."""
        from monai.data.meta_tensor import MetaTensor

        transform = self._build()
        if hasattr(transform, "set_random_state"):
            transform.set_random_state(seed=int(rng.integers(2**32)))
        rank = len(sample.size)
        square = np.eye(4)
        square[:, [*range(rank), 3]] = sample.affine
        with seeded(rng):
            changed = transform(MetaTensor(sample.values.clone(), torch.from_numpy(square)))
        affine = np.asarray(changed.affine, dtype=np.float64)[:, [*range(rank), 3]]
        return replace(sample, values=changed.as_tensor().float().contiguous(), affine=affine)

    def _build(self) -> Any:
        import monai.transforms
        from monai.transforms.transform import MapTransform

        found = getattr(monai.transforms, self.transform, None)
        if not isinstance(found, type) or issubclass(found, MapTransform):
            raise RecipeError(
                f"medical/monai: expected an array transform of monai.transforms, found "
                f"{self.transform!r}"
            )
        try:
            return found(**self.arguments)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"medical/monai: {self.transform}: {error}") from error
