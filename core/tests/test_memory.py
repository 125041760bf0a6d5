"""The bytes of samples of any type."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from unlabeled import memory
from unlabeled.memory import bytes_of, exceeds

ARRAY = np.zeros((10, 5), np.float32)


@dataclass(slots=True)
class Slotted:
    values: np.ndarray
    rate: int = 16000


class Plain:
    def __init__(self):
        self.inside = {"a": ARRAY, "b": [torch.zeros(3, dtype=torch.float64), ARRAY]}
        self.itself = self


@pytest.mark.parametrize(
    ("sample", "count"),
    [
        (ARRAY, 200),
        (torch.zeros(4, dtype=torch.int16), 8),
        ({"x": ARRAY, "y": np.zeros(3, np.int8)}, 203),
        ((ARRAY, ARRAY.copy(), np.zeros(1)), 408),
        (Plain(), 224),
    ],
)
def test_arrays_and_tensors_count_once_wherever_they_are(sample, count):
    assert bytes_of(sample) == count


def test_other_objects_count_little():
    assert 200 < bytes_of(Slotted(ARRAY)) < 300
    assert 0 < bytes_of("ACDEFGHIKL") < 100
    assert bytes_of(None) < 100


def test_a_batch_is_padded_to_its_largest_sample(monkeypatch):
    monkeypatch.setattr(memory, "BATCH_BYTES", 100)
    assert not exceeds(50, 2)
    assert exceeds(50, 3)
