"""Build the report of one small run per domain, open each in a browser, and picture them in docs/.

run: make reports        (UNLABELED_DATA names a folder of real data; without it, and for what it
                         lacks, the synthetic data of the plugins are taken)

Each page is opened at 1280 and 390 pixels, light and dark: it may ask nobody for anything, complain
of nothing and be no wider than the window. Pictures: docs/reports/NAME.webp and NAME-narrow.webp.
Runs stay in .cache/reports and are taken again; remove them to train anew.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "reports"
PICTURES = ROOT / "docs" / "reports"
sys.path.insert(0, str(ROOT / "core" / "tests"))

import browser  # noqa: E402

from unlabeled import discovery  # noqa: E402

Rows = Iterator[Sequence[object]]


@dataclass(frozen=True)
class Domain:
    """data, labels: of real data, below UNLABELED_DATA; labels gives the rows of a table."""

    name: str
    recipe: str
    settings: tuple[str, ...]
    data: str
    labels: Callable[[Path], Rows]
    target: str
    reader: str
    show_private: bool = False


def digits(data: Path) -> Rows:
    """Every fourth spoken digit, by speaker. Free Spoken Digit Dataset, CC BY-SA 4.0."""
    yield "item", "digit", "group"
    rows = list(csv.DictReader((data / "labels.csv").open()))
    for row in rows[::4]:
        yield row["path"].removeprefix("clips/"), row["digit"], row["speaker"]


def barrier(data: Path) -> Rows:
    """Whether a molecule crosses the blood-brain barrier. MoleculeNet, MIT."""
    yield "item", "crosses"
    for line, row in enumerate(csv.DictReader((data / "bbbp.csv").open()), start=1):
        yield f"bbbp.csv#{line}", "yes" if row["p_np"] == "1" else "no"


def hippocampus(data: Path) -> Rows:
    """Volume of the head of the hippocampus. Medical Segmentation Decathlon, CC BY-SA 4.0."""
    yield "item", "anterior_mm3", "stored"
    for row in csv.DictReader((data / "subjects.csv").open()):
        yield f"{row['subject']}.nii.gz", row["anterior_mm3"], row["image_dtype"]


def land_cover(data: Path) -> Rows:
    """The commonest cover of each window, by quarter of a tile. TerraMesh, CC BY-SA 4.0."""
    import numpy as np
    import rasterio

    covers = [
        "none",
        "water",
        "trees",
        "flooded",
        "crops",
        "built",
        "bare",
        "snow",
        "clouds",
        "rangeland",
    ]
    yield "item", "cover", "group"
    for file in sorted((data / "LULC").glob("*.tif")):
        with rasterio.open(file) as opened:
            values = opened.read(1)
        for row in (0, 48, 96, 144, 176):
            for column in (0, 48, 96, 144, 176):
                commonest = np.bincount(
                    values[row : row + 48, column : column + 48].ravel()
                ).argmax()
                quarter = f"{file.stem}, {row // 112}-{column // 112}"
                yield f"{file.stem}#{row},{column}", covers[commonest], quarter


DOMAINS = (
    Domain(
        "audio",
        "audio/ssast",
        ("--training.epochs", "6"),
        "audio/fsdd/clips",
        digits,
        "digit",
        "audio/clips",
    ),
    Domain(
        "graph",
        "graph/graphmae",
        ("--training.steps", "200"),
        "graph/mol_bbbp",
        barrier,
        "crosses",
        "graph/molecules",
    ),
    Domain(
        "medical",
        "medical/vicreg",
        (),
        "medical/msd_hippocampus/images",
        hippocampus,
        "anterior_mm3",
        "medical/volumes",
        show_private=True,
    ),
    Domain(
        "remote_sensing",
        str(ROOT / "plugins/remote_sensing/benchmarks/terramesh.yaml"),
        ("--training.steps", "120"),
        "remote_sensing/terramesh_examples",
        land_cover,
        "cover",
        "remote_sensing/scenes",
    ),
)


def main() -> None:
    pages = [built(domain) for domain in DOMAINS]
    if not browser.found():
        sys.exit(f"The pages are built, and were opened nowhere: {browser.WHY_NOT}")
    PICTURES.mkdir(exist_ok=True)
    with browser.Browser() as tab:
        faults = [fault for domain, page in pages for fault in looked_at(tab, domain, page)]
    print("\n".join(faults) or f"{len(pages)} pages, nothing to complain of: {PICTURES}")
    sys.exit(bool(faults))


def built(domain: Domain) -> tuple[str, Path]:
    """The report of a domain's run, trained and evaluated if need be."""
    folder = CACHE / domain.name
    folder.mkdir(parents=True, exist_ok=True)
    data, labels, recipe = real(domain, folder) or synthetic(domain, folder)
    run = folder / domain.name
    if not (run / "encoder").is_dir():
        unlabeled("pretrain", recipe, data, "--out", run, *domain.settings)
    if not list((run / "evaluation").glob("*.json")):
        few = ("--evaluation.random_encoders", "3")
        unlabeled("evaluate", run, data, "--labels", labels, *target_of(labels, domain), *few)
    shown = ("--show-private",) if domain.show_private else ()
    unlabeled("report", run, "--data", data, "--labels", labels, *shown)
    return domain.name, run / "report.html"


def real(domain: Domain, folder: Path) -> tuple[Path, Path, str] | None:
    place = os.environ.get("UNLABELED_DATA")
    data = Path(place or ".") / domain.data
    if not place or not data.exists():
        return None
    labels = folder / "labels.csv"
    with labels.open("w", newline="") as file:
        above = data if (data / "bbbp.csv").exists() or (data / "LULC").exists() else data.parent
        csv.writer(file).writerows(domain.labels(above))
    return data, labels, domain.recipe


def synthetic(domain: Domain, folder: Path) -> tuple[Path, Path, str]:
    """The plugin's own toy data; the recipe that they suit."""
    data = folder / "synthetic"
    if not data.exists():
        modality, reader = domain.reader.split("/")
        plugin = discovery.usable(modality).plugin
        assert plugin is not None
        discovery.resolve(plugin.synthetic[reader].target)(data, count=60, seed=0)
    recipe = "remote_sensing/croma" if domain.name == "remote_sensing" else domain.recipe
    return data, data / "labels.csv", recipe


def target_of(labels: Path, domain: Domain) -> tuple[str, ...]:
    """Of several columns the first, where they are not those of the real data."""
    with labels.open() as file:
        names = next(csv.reader(file))
    known = ("item", "group", "split", "fold", "start", "end")
    first = next(name for name in names if name not in known)
    return ("--target", domain.target if domain.target in names else first)


def looked_at(tab: browser.Browser, name: str, page: Path) -> Iterator[str]:
    """What is wrong with a page, and pictures of it."""
    for width in (1280, 390):
        for dark in (False, True):
            tab.open(page, width=width, dark=dark)
            where = f"{name}, {width} px{', dark' * dark}"
            yield from (f"{where}: {each}" for each in tab.complaints)
            yield from (f"{where}: asks for {each}" for each in tab.asked)
            if (found := tab.run("document.documentElement.scrollWidth")) > width:
                yield f"{where}: {found} px wide"
            if (width, dark) == (1280, False):
                tab.picture(PICTURES / f"{name}.webp", 2400)
            if (width, dark) == (390, True):
                tab.picture(PICTURES / f"{name}-narrow.webp", 2400)
    if (size := page.stat().st_size) > 3e6:
        yield f"{name}: {size / 1e6:.1f} MB"


def unlabeled(*words: object) -> None:
    """Run a command as a user would, and stop where it fails."""
    line = [str(word) for word in words]
    print("\n$ unlabeled", *line, flush=True)
    subprocess.run([Path(sys.executable).with_name("unlabeled"), *line], check=True)


if __name__ == "__main__":
    main()
