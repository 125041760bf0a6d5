"""A probe for images that carry several labels at once, as those of BigEarthNet do.

Each label is a target of its own (a column of 0 and 1, `--target` for each); `evaluate` averages
over targets, which makes this the macro-averaged mean average precision.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from sklearn.metrics import average_precision_score

from unlabeled.errors import DataError
from unlabeled.probes.logistic import Logistic


class MultiLabel(Logistic):
    """Logistic regression, scored and chosen by average precision."""

    metric: Literal["average_precision"] = Field(
        "average_precision", description="what it is scored by, and C is chosen by"
    )

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """target: (M,) 0 or 1; predicted: (M, C). NaN where no item carries the label.

        Raises DataError for a target of more than two values.
        """
        if predicted.shape[1] > 2:
            raise DataError(
                f"multi_label: expected a column of two values for each label, found "
                f"{predicted.shape[1]}; the probe `logistic` takes classes"
            )
        if not target.any():
            return float("nan")
        return float(average_precision_score(target, predicted[:, -1]))
