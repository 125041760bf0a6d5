"""Replacements of hidden tokens, for encoders that run them too.

Sources: 80 % erased, 10 % replaced by another token, 10 % left as they are: Devlin et al., NAACL
2019, arXiv:1810.04805 (BERT); pieces of the sample itself as replacement: Atito et al. 2022,
arXiv:2205.14986 (GMML). Counts are exact, to the nearest whole number.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.settings import Settings

ZERO = -1
"""Index of a token whose values are zeros."""


class Corruption(Settings):
    """Shares of the hidden tokens; the rest stays unchanged and is predicted as well."""

    zeroed: float = Field(0.8, ge=0, le=1, description="share whose values become zeros")
    replaced: float = Field(0.1, ge=0, le=1, description="share that shows another token's values")

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.zeroed + self.replaced > 1:
            raise ValueError(f"zeroed + replaced is {self.zeroed + self.replaced:g}, above 1")
        return self

    def plan(
        self, hidden: np.ndarray, available: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Index of the token copied into each position: int64, of the grid's shape.

        hidden, available: bool, of the grid's shape. Indices are row-major; a token that stays has
        its own, an erased one ZERO. Replacements are drawn from the available tokens.
        """
        source = np.arange(hidden.size)
        altered = rng.permutation(np.flatnonzero(hidden))
        zeroed = round(self.zeroed * len(altered))
        replaced = min(round(self.replaced * len(altered)), len(altered) - zeroed)
        source[altered[:zeroed]] = ZERO
        source[altered[zeroed : zeroed + replaced]] = rng.choice(
            np.flatnonzero(available), replaced
        )
        return source.reshape(hidden.shape)
