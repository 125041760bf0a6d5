"""CROMA on OMBRIA floods: pretrained beside random encoders and band statistics, 3 seeds."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from unlabeled.evaluation.evaluate import evaluate, recipe_settings

HERE = Path(__file__).parent
FLOODED = 0.25
SENSORS = {
    "S1": ("before", "after"),
    "S2": ("before_1", "before_2", "before_3", "after_1", "after_2", "after_3"),
}


def convert(source: Path, target: Path) -> None:
    """Patches as GeoTIFFs: `train/TILE/…` without labels, `all/TILE/…` and labels.csv.

    The source has no georeference: pixels of 10 m in UTM, each patch in a place of its own.
    """
    if (target / "labels.csv").exists():
        return
    stored = dict(np.load(source))
    labels = ["item,flooded,share,split"]
    for number, tile in enumerate(stored["tile"]):
        name = f"p{number:04d}"
        place = Affine(10.0, 0.0, 200_000.0 + 640 * number, 0.0, -10.0, 5_000_000.0)
        for sensor, bands in SENSORS.items():
            path = target / "all" / str(tile) / f"{name}_{sensor}.tif"
            write(path, stored[sensor.lower()][number], bands, place)
            if stored["split"][number] == "train":
                link = target / "train" / str(tile) / path.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)  # of a conversion that was interrupted
                link.hardlink_to(path)
        write(target / "masks" / f"{name}.tif", stored["mask"][number][None], ("flooded",), place)
        share = float(stored["mask"][number].mean())
        labels.append(f"{name},{int(share > FLOODED)},{share:.5f},{stored['split'][number]}")
    (target / "labels.csv").write_text("\n".join(labels) + "\n")


def write(path: Path, values: np.ndarray, bands: tuple[str, ...], place: Affine) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    options = {"driver": "GTiff", "crs": "EPSG:32633", "dtype": values.dtype}
    with rasterio.open(
        path, "w", count=count, height=height, width=width, transform=place, **options
    ) as file:
        file.write(values)
        file.descriptions = bands


def unlabeled(*arguments: object) -> None:
    """The command line, as a user would call it."""
    command = [str(Path(sys.executable).parent / "unlabeled"), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def judge(run: Path, data: Path, output: str) -> dict[str, object]:
    settings = recipe_settings(run).model_copy(update={"output": output})
    found = evaluate(
        run,
        data / "all",
        data / "labels.csv",
        target=["flooded"],
        settings=settings,
        name=f"flooded-{output}",
    ).to_dict()
    return {"output": output, "rows": found["rows"], "comparisons": found["comparisons"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", type=Path, default=HERE / "ombria.yaml")
    parser.add_argument("--runs", type=Path, default=Path("runs/ombria"))
    # Other arguments are settings of the recipe: --section.key value.
    options, overrides = parser.parse_known_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("set UNLABELED_DATA to the folder of real data")
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "unlabeled/ombria"
    convert(Path(root) / "remote_sensing/ombria_s1s2_flood/ombria_64.npz", cache)
    results = []
    for seed in range(options.seeds):
        run, start = options.runs / f"seed{seed}", time.monotonic()
        unlabeled(
            *("pretrain", options.recipe, cache / "train", "--out", run, "--seed", seed),
            *overrides,
        )
        minutes = (time.monotonic() - start) / 60
        print(f"seed {seed}: pretrained in {minutes:.1f} minutes", flush=True)
        for output in ("joint", "S1", "S2"):
            found = judge(run, cache, output)
            results.append({"seed": seed, "minutes": minutes, **found})
            show(seed, found)
    path = HERE / "results" / f"ombria-{date.today()}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"overrides": overrides, "results": results}, indent=1) + "\n")


def show(seed: int, found: dict) -> None:
    scores = ", ".join(f"{row['name']} {row['score']:.3f}" for row in found["rows"])
    print(f"seed {seed}, {found['output']}: {scores}")
    for one in found["comparisons"]:
        interval = one["interval"]
        print(f"  minus {one['against']}: {one['difference']:+.3f} {interval}, {one['outcome']}")


if __name__ == "__main__":
    main()
