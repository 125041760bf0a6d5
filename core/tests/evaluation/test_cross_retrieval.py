from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unlabeled.contract import Encoder, Output
from unlabeled.data.items import Items
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.cross_retrieval import CrossRetrieval
from unlabeled.inference.reading import Source
from unlabeled.randomness import keyed_rng
from unlabeled.settings import Settings


class Pair(Encoder):
    """Samples are (2, D): what each sensor saw; NaN where it is missing."""

    settings_type = Settings

    def __init__(self, *outputs):
        super().__init__(Settings())
        self.outputs = outputs or (Output("radar", "global", 3), Output("optical", "global", 3))

    def collate(self, samples):
        return torch.tensor(np.stack(samples))

    def _encode(self, batch, output):
        return batch[:, int(output == "optical")].nan_to_num()

    def present(self, batch, output):
        return ~batch[:, int(output == "optical")].isnan().any(1)


class Table:
    def __init__(self, samples):
        self.samples = samples

    def read(self, item, rng=None):
        return self.samples[int(item.id)]


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    radar = rng.normal(size=(12, 3))
    return np.stack([radar, radar + rng.normal(0, 0.8, (12, 3))], axis=1).astype(np.float32)


def assessed(samples, groups, *outputs, **settings):
    count = len(samples)
    columns = {"id": [str(n) for n in range(count)], "source": ["x"] * count, "size": [1] * count}
    source = Source(Items.of(columns | {"group": groups}), Table(samples))
    subject = SimpleNamespace(encoder=Pair(*outputs).eval(), batch_size=5)
    return CrossRetrieval(**settings).assess(subject, source, None, keyed_rng(0))


def test_the_other_output_is_found_among_other_groups(samples):
    groups = [f"g{n // 3}" for n in range(12)]
    found = assessed(samples, groups, nearest=(1, 2))
    expected, every = [], np.arange(12)
    for way in (0, 1):
        x, y = samples[:, way].astype(float), samples[:, 1 - way].astype(float)
        x, y = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y))
        for q in range(12):
            seen = [g for g in np.argsort(-(y @ x[q])) if g == q or groups[g] != groups[q]]
            expected.append(1 / (seen.index(q) + 1))
    headline, *further = found.scores
    assert headline.of(every) == pytest.approx(np.mean(expected))
    assert [(s.metric, dict(s.at)) for s in further[:3]] == [
        ("MRR", {"direction": "radar to optical"}),
        ("MRR", {"direction": "optical to radar"}),
        ("recall", {"direction": "radar to optical", "nearest": 1}),
    ]
    assert further[0].of(every) == pytest.approx(np.mean(expected[:12]))
    assert found.groups.tolist() == groups


def test_items_that_lack_an_output_are_left_out_and_counted(samples):
    samples[3, 0] = np.nan
    found = assessed(samples, [""] * 12)
    assert found.units.tolist() == [n for n in range(12) if n != 3]
    assert found.notes[0].startswith("1 items lack one of the outputs")
    samples[:, 1] = np.nan
    with pytest.raises(DataError, match="none of 12 items has both radar and optical"):
        assessed(samples, [""] * 12)


def test_two_outputs_of_one_width_are_needed(samples):
    one, wide = Output("radar", "global", 3), Output("wide", "global", 5)
    for outputs in ((one,), (one, wide), (one, wide, Output("more", "global", 3))):
        with pytest.raises(UsageError, match=r"two global outputs of one width.* radar \(3\)"):
            assessed(samples, [""] * 12, *outputs)
