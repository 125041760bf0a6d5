"""What the arrays of a sample say without learning."""

import numpy as np

from unlabeled.settings import Settings


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
