"""A reader, an encoder, features and seeded data for sequences of vectors (L, 4)."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from unlabeled.contract import Encoder, Nodes, Output, Preview, Previews, Tokens
from unlabeled.data.items import Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.pictures import contrast, grey_levels, png
from unlabeled.settings import Settings


class JsonReader(Settings):
    scale: float = 1.0

    def index(self, path):
        path = Path(path)
        files = sorted(path.rglob("*.json"))
        if not files:
            raise DataError(f"{path}: holds no JSON file")
        good, bad = [], []
        for file in files:
            try:
                good.append((file, json.loads(file.read_text())))
            except ValueError:
                bad.append(Quarantined(str(file), "JSON", "something else"))
        return Items.of(
            {
                "id": [str(file.relative_to(path)) for file, _ in good],
                "source": [str(file) for file, _ in good],
                "group": [content["group"] for _, content in good],
                "size": [content["length"] for _, content in good],
                "site": [content["site"] for _, content in good],
            },
            bad,
        )

    def read(self, item, rng=None):
        values = json.loads(Path(item.source).read_text())["values"]
        if not values:
            raise UnreadableItem(item.source, "at least one vector", "none")
        return np.asarray(values, dtype=np.float32) * self.scale

    def describe(self, items):
        return {}


class PrivateReader(JsonReader):
    private: ClassVar[bool] = True
    public: ClassVar[tuple[str, ...]] = ("site",)
    extra: int = 0

    def index(self, path):
        items = super().index(path)
        files = [[Path(source).name] for source in items.table["source"].to_pylist()]
        return replace(items, table=items.table.append_column("files", pa.array(files)))


class ShownReader(JsonReader, Previews):
    """The vectors as rows of grey pixels."""

    def previews(self, item, sample):
        low, high = contrast(sample)
        return [Preview(png(grey_levels(sample, low, high)), "png", f"{len(sample)} vectors")]


class PrivateShownReader(ShownReader):
    """The same, of people."""

    private: ClassVar[bool] = True
    public: ClassVar[tuple[str, ...]] = ("site",)


@dataclass
class Padded:
    values: torch.Tensor
    valid: torch.Tensor


class MixerSettings(Settings):
    width: int = 8
    dropout: float = 0.5


class Mixer(Encoder):
    settings_type = MixerSettings

    def __init__(self, settings):
        super().__init__(settings)
        self.outputs = (
            Output("pooled", "global", settings.width),
            Output("steps", "tokens", settings.width),
            Output("points", "nodes", settings.width),
        )
        self.first = nn.Linear(4, settings.width)
        self.norm = nn.BatchNorm1d(settings.width)
        self.drop = nn.Dropout(settings.dropout)
        self.second = nn.Linear(settings.width, settings.width)
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("std", torch.ones(4))

    def collate(self, samples):
        lengths = torch.tensor([len(sample) for sample in samples])
        values = nn.utils.rnn.pad_sequence([torch.as_tensor(s) for s in samples], batch_first=True)
        return Padded(values, torch.arange(values.shape[1]) < lengths[:, None])

    def _encode(self, batch, output):
        x = batch.values
        rows = self.first(((x - self.mean.to(x)) / self.std.to(x))[batch.valid])
        rows = self.second(self.drop(torch.tanh(self.norm(rows))))
        x = rows.new_zeros(*batch.valid.shape, rows.shape[1])
        x[batch.valid] = rows
        if output == "pooled":
            return x.sum(1) / batch.valid.sum(1, keepdim=True)
        index = torch.arange(x.shape[1]).expand(x.shape[:2])
        if output == "steps":
            return Tokens(x, batch.valid, index[..., None] * 0.5)
        owner = torch.arange(len(x))[:, None].expand(x.shape[:2])
        return Nodes(x[batch.valid], owner[batch.valid], index[batch.valid])

    def calibrate(self, batches):
        values = torch.cat([batch.values[batch.valid] for batch in batches])
        self.mean.copy_(values.mean(0))
        self.std.copy_(values.std(0))

    def preprocessing(self):
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}


class Linear(Encoder):
    """Nothing that an exporter could stumble over."""

    settings_type = MixerSettings

    def __init__(self, settings):
        super().__init__(settings)
        self.outputs = (
            Output("pooled", "global", settings.width),
            Output("steps", "tokens", settings.width),
        )
        self.map = nn.Linear(4, settings.width)

    def collate(self, samples):
        return Mixer.collate(self, samples)

    def _encode(self, batch, output):
        x = torch.tanh(self.map(batch.values)) * batch.valid[..., None]
        if output == "pooled":
            return x.sum(1) / batch.valid.sum(1, keepdim=True)
        index = torch.arange(x.shape[1]).expand(x.shape[:2])
        return Tokens(x, batch.valid, index[..., None] * 0.5)


class Mean(Settings):
    def __call__(self, sample):
        return sample.mean(0)


class Points(Settings):
    def __call__(self, sample):
        return sample


def write(path, *, count, seed):
    """Class 1 where the first two entries have the same sign; ten groups."""
    rng = np.random.default_rng(seed)
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    rows = ["item,kind,strength"]
    for number in range(count):
        signs = rng.choice([-1.0, 1.0], 2)
        length = int(rng.integers(2, 7))
        values = rng.normal(size=(length, 4)) * 0.3 + [*signs, 0, 5]
        content = {
            "group": f"g{number % 10}",
            "site": f"site {number % 3}",
            "length": length,
            "values": values.round(4).tolist(),
        }
        (path / f"{number:04}.json").write_text(json.dumps(content))
        strength = signs.prod() + 0.1 * rng.normal()
        rows.append(f"{number:04}.json,{'same' if signs.prod() > 0 else 'other'},{strength:.4f}")
    (path / "labels.csv").write_text("\n".join(rows) + "\n")
