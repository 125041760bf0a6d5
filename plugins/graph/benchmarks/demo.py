"""The main job on real molecules that ship inside rdkit: pretrain, adapt, embed, judge, report.

4,999 structures of the National Cancer Institute (`Data/NCI/first_5K.smi`) and 1,017 with a
measured activity (`CHEMBL2321810`, of rdkit's Free-Wilson example) are pretrained on without
labels, as a team would with all the structures that it has; then the activities are predicted.
Three seeds are pretrained, and judged by their mean as random encoders are: one says too little.
Only copying them out of the wheel is special here: the rest is the commands that are printed.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

from rdkit import RDConfig

CACHE = Path(".cache/demo")
RECIPE = "graph/graphmae"
SEEDS = 3
CHEMBL = Path(RDConfig.RDContribDir, "FreeWilson", "data", "CHEMBL2321810")


def main() -> None:
    started = time.monotonic()
    structures, labels = copy_molecules(CACHE)
    labelled = structures / "chembl.smi"
    folder = CACHE / "runs" / time.strftime("%Y%m%d-%H%M%S")
    runs = [folder / f"seed-{seed}" for seed in range(SEEDS)]
    for seed, run in enumerate(runs):
        unlabeled("pretrain", RECIPE, structures, "--training.seed", seed, "--out", run)
        # Two thirds of the atoms were of smaller molecules: their statistics fit these badly.
        unlabeled("update-batch-norm", run, labelled, "--out", run / "adapted")
    first, *others = (run / "adapted" for run in runs)
    also = [word for other in others for word in ("--average-with", other)]
    unlabeled("embed", first, labelled, "--out", runs[0] / "embeddings" / "molecules.parquet")
    unlabeled("evaluate", first, labelled, "--labels", labels, *also)
    unlabeled("report", runs[0])
    print(f"{(time.monotonic() - started) / 60:.1f} minutes. Open {runs[0] / 'report.html'}")


def copy_molecules(folder: Path) -> tuple[Path, Path]:
    """Write a folder of structures, and the activities as `unlabeled evaluate` takes them."""
    molecules, labels = folder / "molecules", folder / "activity.csv"
    molecules.mkdir(parents=True, exist_ok=True)
    nci = Path(RDConfig.RDDataDir, "NCI", "first_5K.smi").read_text()
    (molecules / "nci.smi").write_text(nci)
    structures = CHEMBL.with_suffix(".smi").read_text()
    (molecules / "chembl.smi").write_text(structures)
    with Path(f"{CHEMBL}_act.csv").open() as file:
        activity = {row["Name"]: row["Act"] for row in csv.DictReader(file)}
    names = [line.split()[1] for line in structures.splitlines()]
    rows = [f"chembl.smi#{line},{activity[name]}" for line, name in enumerate(names, start=1)]
    labels.write_text("\n".join(["item,activity", *rows]) + "\n")
    return molecules, labels


def unlabeled(*arguments: object) -> None:
    """Run a command as a user would, and stop where it fails."""
    words = [str(argument) for argument in arguments]
    print("\n$ unlabeled", *words, flush=True)
    subprocess.run([Path(sys.executable).with_name("unlabeled"), *words], check=True)


if __name__ == "__main__":
    main()
