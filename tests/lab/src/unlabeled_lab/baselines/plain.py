"""What the arrays of a sample say without learning."""

import numpy as np

from unlabeled.settings import Settings
from unlabeled_lab.scan import Scan


class Pixels(Settings):
    """(64,): the image itself."""

    def __call__(self, sample: dict) -> np.ndarray:
        return (
            np.asarray(sample["image"], float).ravel() if "image" in sample else np.full(64, np.nan)
        )


class Letters(Settings):
    """(22,): how often each letter occurs."""

    def __call__(self, sample: dict) -> np.ndarray:
        return np.bincount(sample["text"], minlength=22) / len(sample["text"])


class Fields(Settings):
    """The row itself."""

    def __call__(self, sample: dict) -> np.ndarray:
        return np.asarray(sample["row"], float)


class Brightness(Settings):
    """(2,): mean and spread."""

    def __call__(self, sample: Scan) -> np.ndarray:
        return np.array([sample.values.mean(), sample.values.std()])
