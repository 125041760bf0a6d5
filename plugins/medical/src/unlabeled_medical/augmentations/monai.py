"""Array transforms of MONAI, by name: bias fields, affine maps, Gibbs ringing …

A recipe can name only transforms and arguments of the table in `monai_transforms`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator

from unlabeled.allowed import allowed_arguments, allowed_name
from unlabeled.augmentations.seeded import seeded
from unlabeled.contract import DenseTarget, MovesSpace, Range
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled_medical.augmentations.monai_transforms import MOVING, TRANSFORMS
from unlabeled_medical.volume import Volume


class Monai(Settings, MovesSpace):
    """A transform of `monai.transforms` by name, with its arguments, drawing from the rng.

    The volume goes in as a MetaTensor, so spatial transforms carry the affine along.
    """

    keeps: ClassVar[str] = "what the transform keeps"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    transform: str = Field("RandBiasField", description="an array transform of MONAI")
    arguments: dict[str, Any] = Field(
        {"prob": 1.0}, description="its arguments, as MONAI documents them"
    )

    @field_validator("transform")
    @classmethod
    def _is_allowed(cls, name: str) -> str:
        return allowed_name(TRANSFORMS, name, "medical/monai")

    @field_validator("arguments")
    @classmethod
    def _are_allowed(cls, arguments: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "transform" not in info.data:  # it has been refused already
            return arguments
        return allowed_arguments(TRANSFORMS, info.data["transform"], arguments, "medical/monai")

    @property
    def moves_space(self) -> bool:
        return self.transform in MOVING

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        """Raises RecipeError for values that MONAI does not take."""
        from monai.data.meta_tensor import MetaTensor
        from monai.transforms.transform import Randomizable

        transform = self._build(nearest=isinstance(sample, DenseTarget))
        if isinstance(transform, Randomizable):
            transform.set_random_state(seed=int(rng.integers(2**32)))
        rank = len(sample.size)
        square = np.eye(4)
        square[:, [*range(rank), 3]] = sample.affine
        with seeded(rng):
            changed = transform(MetaTensor(sample.values.clone(), torch.from_numpy(square)))
        affine = np.asarray(changed.affine, dtype=np.float64)[:, [*range(rank), 3]]
        return replace(sample, values=changed.as_tensor().float().contiguous(), affine=affine)

    def _build(self, *, nearest: bool) -> Any:
        import monai.transforms

        arguments = self.arguments
        if nearest and "mode" in TRANSFORMS[self.transform]:
            # What resizes knows two kinds of nearest, of which one takes the voxel before.
            exact = self.transform == "RandZoom"
            arguments = arguments | {"mode": "nearest-exact" if exact else "nearest"}
        try:
            return getattr(monai.transforms, self.transform)(**arguments)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"medical/monai: {self.transform}: {error}") from error
