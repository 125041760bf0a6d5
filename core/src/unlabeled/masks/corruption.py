"""What stands in the place of hidden tokens, where the encoder runs them too.

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
"""In place of the number of a token: its values are zeros."""


class Corruption(Settings):
    """Shares of the hidden tokens; the rest stays as it is, and is asked for all the same."""

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
        """The token whose values stand at each place: int64, of the grid's shape.

        hidden, available: bool, of the grid's shape. Numbers are row-major places in the grid, a
        token's own if nothing happens to it, or ZERO. Replacements are drawn from the available.
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
