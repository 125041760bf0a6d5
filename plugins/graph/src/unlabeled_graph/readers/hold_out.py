"""Which interactions are held out of training, to be ranked afterwards.

Letters in shapes: E interactions, each pair of user and item once.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from unlabeled.settings import Settings


class HoldOut(Settings):
    """Interactions that a run never sees, as they are settings of its reader.

    given: those that the data mark as test, none where they mark none; last: each user's last ones,
    all of one moment, unless that is all the user has; time: those after one moment for all users.
    """

    by: Literal["given", "last", "time"] = Field("given", description="how they are chosen")
    column: str = Field("split", description="given: column with train or test in each row")
    test: str | None = Field(None, description="given: glob of the files that hold only test rows")
    share: float = Field(0.2, gt=0, lt=1, description="time: share of interactions, the latest")

    @property
    def needs_time(self) -> bool:
        return self.by != "given"

    def held(self, user: np.ndarray, time: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """user: (E,) int; time: (E,) float; marked: (E,) bool, test in the data. Returns (E,)."""
        if self.by == "given":
            return marked
        if self.by == "time":
            # Above a value that occurs: all of one moment lie on one side.
            return np.asarray(time > np.quantile(time, 1 - self.share, method="lower"))
        last, first = np.full(user.max() + 1, -np.inf), np.full(user.max() + 1, np.inf)
        np.maximum.at(last, user, time)
        np.minimum.at(first, user, time)
        return np.asarray((time == last[user]) & (first[user] < last[user]))
