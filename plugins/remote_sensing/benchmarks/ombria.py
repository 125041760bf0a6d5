"""CROMA on OMBRIA floods: three pretrained encoders beside random ones and plain statistics.

run: UNLABELED_DATA=… make bench-ombria   (or python ombria.py [--seeds 3])

The patches are converted once to GeoTIFFs and pretrained on by `unlabeled pretrain`, train part
only, without labels. Then everything is frozen: AUC of "more than 25 % flooded" by a logistic
probe, IoU of flooded pixels by a ridge probe on tokens. Scores are means over seeds; intervals come
from one paired bootstrap over the 70 test tiles. What is done already is kept below --runs, so
an interrupted call goes on. Results go to results/ombria.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np
import rasterio
import torch
from rasterio.transform import Affine

from unlabeled.atomic import new_file
from unlabeled.evaluation.bootstrap import interval, resample_scores
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.export.encoder import load_encoder, load_reader, read_config
from unlabeled.inference.reading import Source
from unlabeled.probes import metrics
from unlabeled.probes.logistic import Logistic
from unlabeled_remote_sensing.baselines.band_statistics import BandStatistics
from unlabeled_remote_sensing.encoders.croma import CROMA
from unlabeled_remote_sensing.encoders.raster_batch import RasterBatch
from unlabeled_remote_sensing.evaluators.patches import Patches, raw_patches
from unlabeled_remote_sensing.evaluators.segmentation import segment
from unlabeled_remote_sensing.raster import Raster

HERE = Path(__file__).parent
FLOODED = 0.25
RANDOM = 5
BATCH = 64
OUTPUTS = ("S1", "S2", "joint", "concatenated")
BANDS = {
    "s1": ("before", "after"),
    "s2": ("before_1", "before_2", "before_3", "after_1", "after_2", "after_3"),
}
BARS = {"S1": 0.788, "S2": 0.878, "joint": 0.906, "concatenated": 0.906, "flooded pixels": 0.59}
"""The stronger of band statistics (raw pixels) and random encoders, measured beforehand."""
Scorer = Callable[[np.ndarray], float]


def convert(source: Path, target: Path) -> None:
    """One GeoTIFF of all bands per patch, and manifests: `train/` without labels, `all/`.

    The source has no georeference: pixels of 10 m in UTM, each patch in a place of its own.
    """
    if (target / "labels.csv").exists():
        return
    stored = dict(np.load(source))
    manifest = {name: ["scene,sensor,path,tile"] for name in ("train", "all")}
    labels = ["item,flooded,split"]
    for number, (tile, split) in enumerate(zip(stored["tile"], stored["split"], strict=True)):
        name = f"p{number:04d}"
        place = Affine(10.0, 0.0, 200_000.0 + 640 * number, 0.0, -10.0, 5_000_000.0)
        bands = np.concatenate([stored["s1"][number], stored["s2"][number]])
        named = [f"{sensor}_{band}" for sensor, own in BANDS.items() for band in own]
        folder = "train" if split == "train" else "test"
        write(target / folder / f"{name}.tif", bands, named, place)
        write(target / "masks" / f"{name}.tif", stored["mask"][number][None], ["flooded"], place)
        for sensor in ("S1", "S2"):
            manifest["all"].append(f"{name},{sensor},../{folder}/{name}.tif,{tile}")
            if split == "train":
                manifest["train"].append(f"{name},{sensor},{name}.tif,{tile}")
        share = float(stored["mask"][number].mean())
        labels.append(f"{name},{int(share > FLOODED)},{split}")
    for name, lines in manifest.items():
        (target / name).mkdir(exist_ok=True)
        (target / name / "manifest.csv").write_text("\n".join(lines) + "\n")
    (target / "labels.csv").write_text("\n".join(labels) + "\n")


def write(path: Path, values: np.ndarray, names: Sequence[str], place: Affine) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    options = {"driver": "GTiff", "crs": "EPSG:32633", "dtype": values.dtype, "transform": place}
    with rasterio.open(path, "w", count=count, height=height, width=width, **options) as file:
        file.write(values)
        file.descriptions = tuple(names)


def pretrain(recipe: Path, data: Path, run: Path, seed: int) -> dict[str, float]:
    """By the command line, as a user would; goes on with a run that was interrupted."""
    note = run / "benchmark.json"
    if note.exists():
        return dict(json.loads(note.read_text()))
    command = [str(Path(sys.executable).with_name("unlabeled")), "pretrain"]
    fresh = [str(recipe), str(data), "--out", str(run), "--seed", str(seed)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    resumed = (run / "recipe.yaml").exists()
    subprocess.run([*command, *(["--resume", str(run)] if resumed else fresh)], check=True)
    minutes = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / 60
    done = {"seed": seed, "cpu_minutes": round(minutes, 2), "resumed": resumed}
    note.write_text(json.dumps(done))
    return done


@dataclass(frozen=True)
class Experiment:
    """All patches. label, split, tile: (N,); mask: (N, 64, 64) bool."""

    rasters: list[Raster]
    source: Source
    label: np.ndarray
    train: np.ndarray
    tile: np.ndarray
    mask: np.ndarray

    @classmethod
    def read(cls, run: Path, data: Path) -> Experiment:
        reader = load_reader(run)
        source = Source(reader.index(data / "all"), reader)
        rows = [line.split(",") for line in (data / "labels.csv").read_text().split()[1:]]
        assert [row[0] for row in rows] == source.items.table["id"].to_pylist()
        masks = [rasterio.open(data / "masks" / f"{row[0]}.tif").read(1) for row in rows]
        return cls(
            [reader.read(item) for item in source.items],
            source,
            np.array([int(row[1]) for row in rows]),
            np.array([row[2] == "train" for row in rows]),
            np.array(source.items.table["group"].to_pylist()),
            np.stack(masks) > 0,
        )

    def flooded(self, embedding: np.ndarray) -> np.ndarray:
        """Probabilities (n, 2) of the n test patches. embedding: (N, D)."""
        train, test = self.train, ~self.train
        return Logistic(metric="roc_auc").predict(
            embedding[train], self.label[train], self.tile[train], embedding[test]
        )

    def pixels(self, tokens: np.ndarray) -> np.ndarray:
        """Pixels found of the n test patches, (n, 64, 64) bool. tokens: (N, rows, columns, D)."""
        side = self.mask.shape[1] // tokens.shape[1]
        images = [Patches(each, side) for each in tokens]
        train, test = np.flatnonzero(self.train), np.flatnonzero(~self.train)
        masks = [self.mask[i].astype(np.int64) for i in train]
        found = segment(
            [images[i] for i in train], masks, self.tile[train], [images[i] for i in test], 2
        )
        return np.stack(found) == 1

    def scorer(self, said: np.ndarray) -> Scorer:
        """AUC of probabilities, IoU of pixels, both of the test patches at given positions."""
        truth, mask = self.label[~self.train], self.mask[~self.train]
        if said.ndim == 2:
            return lambda places: metrics.roc_auc(truth[places], said[places])
        both, either = (x.sum(axis=(1, 2)) for x in (said & mask, said | mask))
        return lambda places: float(both[places].sum() / either[places].sum())

    def statistics(self) -> dict[str, np.ndarray]:
        every = np.stack([BandStatistics()(raster) for raster in self.rasters])
        radar = 4 * len(BANDS["s1"])
        own = {"S1": every[:, :radar], "S2": every[:, radar:]}
        return {**own, "joint": every, "concatenated": every}

    def raw_patches(self) -> np.ndarray:
        """All values of each patch of 4 px, as tokens (N, rows, columns, D)."""
        return np.stack([raw_patches(raster, {}).values for raster in self.rasters])


def embedded(experiment: Experiment, encoder: CROMA) -> dict[str, np.ndarray]:
    """Every output of whole patches, with the joint tokens as a grid; each sensor runs once."""
    found: dict[str, list[torch.Tensor]] = {name: [] for name in ("S1", "S2", "tokens")}
    for batch in batches(encoder, experiment.rasters):
        radar, optical = (encoder.encode_sensor(batch, sensor) for sensor in ("S1", "S2"))
        found["S1"].append(encoder.pooled("S1", radar))
        found["S2"].append(encoder.pooled("S2", optical))
        found["tokens"].append(encoder.joint(radar, optical).values)
    values = {name: torch.cat(parts).numpy() for name, parts in found.items()}
    values["joint"] = values["tokens"].mean(axis=1)
    values["concatenated"] = np.concatenate([values[n] for n in ("joint", "S1", "S2")], axis=1)
    side = round(values["tokens"].shape[1] ** 0.5)
    values["tokens"] = values["tokens"].reshape(len(experiment.rasters), side, side, -1)
    return values


def middle(experiment: Experiment, encoder: CROMA, side: int = 48) -> np.ndarray:
    """The joint output of the middle of each patch."""
    rasters = [cut_middle(raster, side) for raster in experiment.rasters]
    return np.concatenate([encoder.encode(b, "joint").numpy() for b in batches(encoder, rasters)])


def batches(encoder: CROMA, rasters: Sequence[Raster]) -> Iterator[RasterBatch]:
    with torch.inference_mode():
        for start in range(0, len(rasters), BATCH):
            yield encoder.collate(rasters[start : start + BATCH])


def cut_middle(raster: Raster, side: int) -> Raster:
    row, column = ((length - side) // 2 for length in raster.shape)
    inner = (..., slice(row, row + side), slice(column, column + side))
    moved = (1.0, 0.0, float(column), 0.0, 1.0, float(row))
    return raster.rearranged(lambda x: x[inner], moved)


def probed(
    experiment: Experiment, label: str, build: Callable[[str], CROMA], folder: Path
) -> dict[str, Scorer]:
    """By what is judged: one scorer. What the probes say is kept in `folder`."""
    kept = folder / f"{label.replace(' ', '-')}.npz"
    if not kept.exists():
        encoder = build(label)
        values = embedded(experiment, encoder)
        said = {output: experiment.flooded(values[output]) for output in OUTPUTS}
        said["flooded pixels"] = experiment.pixels(values["tokens"])
        if label.startswith("pretrained"):
            said["joint at 48 px"] = experiment.flooded(middle(experiment, encoder))
        with new_file(kept) as partial, partial.open("wb") as file:
            np.savez(file, **said)
        print(f"{label}: probed", flush=True)
    return {task: experiment.scorer(values) for task, values in np.load(kept).items()}


def scorers(
    experiment: Experiment, labels: Sequence[str], build: Callable[[str], CROMA], folder: Path
) -> dict[str, dict[str, list[Scorer]]]:
    """By what is judged and by candidate: one scorer per encoder."""
    found: dict[str, dict[str, list[Scorer]]] = {}
    for label in labels:
        for task, scorer in probed(experiment, label, build, folder).items():
            name = label.split()[0] + task[len("joint") :] * task.startswith("joint at")
            own = found.setdefault(task.split(" at ")[0], {})
            own.setdefault(name, []).append(scorer)
    for output, values in experiment.statistics().items():
        found[output]["raw"] = [experiment.scorer(experiment.flooded(values))]
    found["flooded pixels"]["raw"] = [
        experiment.scorer(experiment.pixels(experiment.raw_patches()))
    ]
    for other in ("S1", "S2"):
        for task in ("joint", "concatenated"):
            found[task][f"pretrained {other}"] = found[other]["pretrained"]
    return found


def judged(
    experiment: Experiment, tasks: Mapping[str, Mapping[str, list[Scorer]]]
) -> dict[str, dict]:
    """Scores, and the pretrained encoders' minus every other's with its interval."""
    groups = experiment.tile[~experiment.train]
    everything = np.arange(len(groups))
    results = {}
    for task, candidates in tasks.items():
        flat = [scorer for own in candidates.values() for scorer in own]
        names = np.array([name for name, own in candidates.items() for _ in own])
        samples = resample_scores(groups, flat)
        scores = np.array([scorer(everything) for scorer in flat])
        rows = {}
        for name in candidates:
            minus = samples[:, names == "pretrained"].mean(1) - samples[:, names == name].mean(1)
            bounds = interval(minus)
            rows[name] = {
                "scores": scores[names == name].round(4).tolist(),
                "mean": round(float(scores[names == name].mean()), 4),
                "pretrained_minus_this": round(
                    float(scores[names == "pretrained"].mean() - scores[names == name].mean()), 4
                ),
                "interval": [round(bounds.low, 4), round(bounds.high, 4)],
            }
        results[task] = {"bar": BARS[task], "rows": rows}
    return results


def show(results: Mapping[str, dict]) -> None:
    for task, found in results.items():
        print(f"{task} (bar {found['bar']})")
        for name, row in found["rows"].items():
            low, high = row["interval"]
            print(
                f"  {name:24s} {row['mean']:.3f}   pretrained minus this "
                f"{row['pretrained_minus_this']:+.3f} ({low:+.3f} to {high:+.3f})"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", type=Path, default=HERE / "ombria.yaml")
    parser.add_argument("--only", help="probe one encoder, such as 'random 3', and stop")
    parser.add_argument("--runs", type=Path, default=Path(".cache/bench-ombria"))
    options = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("set UNLABELED_DATA to the folder of real data")
    data = options.runs / "data"
    convert(Path(root) / "remote_sensing/ombria_s1s2_flood/ombria_64.npz", data)
    runs = {seed: options.runs / f"seed{seed}" for seed in range(options.seeds)}
    costs = [pretrain(options.recipe, data / "train", run, seed) for seed, run in runs.items()]
    experiment = Experiment.read(runs[0], data)

    def build(label: str) -> CROMA:
        kind, seed = label.split()
        if kind == "pretrained":
            return cast(CROMA, load_encoder(runs[int(seed)]))
        choice, rows = read_config(runs[0]).encoder, np.flatnonzero(experiment.train).tolist()
        found = random_encoder(
            choice, int(seed), experiment.source, rows, output="joint", batch_size=BATCH
        )
        return cast(CROMA, found)

    kept = options.runs / "probed"
    if options.only:
        probed(experiment, options.only, build, kept)
        return
    labels = [f"pretrained {seed}" for seed in runs] + [f"random {seed}" for seed in range(RANDOM)]
    results = judged(experiment, scorers(experiment, labels, build, kept))
    show(results)
    about = {"date": str(date.today()), "recipe": options.recipe.name, "pretraining": costs}
    versions = {name: version(name) for name in ("unlabeled", "unlabeled-remote-sensing", "torch")}
    path = HERE / "results" / "ombria.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**about, "versions": versions, "results": results}, indent=1))


if __name__ == "__main__":
    main()
