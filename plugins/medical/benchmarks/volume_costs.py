"""What reading windows, a masked step and a volume of 512 voxels a side cost.

Needs no data: volumes of noise are written to a temporary folder. Prints CPU times as ratios of
two things run in turn in one process, and peak memory; results vary with the machine.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import torch

from unlabeled.contract import Pretext
from unlabeled.encoders.patches import take_tokens
from unlabeled.randomness import Draw
from unlabeled.recipe import build_encoder, build_pretext, load_recipe
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import Volume

SIDE = 64
REPEATS = 15
BATCH = 16
STEPS = 5


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        large = write_noise(Path(folder) / "large", (512, 512, 512))
        embed_large(large)  # first: peak memory never falls
        windows(write_noise(Path(folder) / "small", (192, 192, 160)))
    masked_step()


def write_noise(folder: Path, shape: tuple[int, int, int]) -> Path:
    folder.mkdir()
    slab = np.random.default_rng(0).integers(0, 1000, (*shape[:2], 16), dtype=np.int16)
    image = nibabel.Nifti1Image(np.tile(slab, (1, 1, shape[2] // 16)), np.diag([-1, -1, 1, 1.0]))
    nibabel.save(image, folder / "noise.nii")
    return folder


def embed_large(folder: Path) -> None:
    reader = Volumes()
    items = reader.index(folder)
    choice = load_recipe("medical/barlow_twins").encoder.with_facts(reader.describe(items))
    encoder = build_encoder(choice).eval()
    with torch.no_grad():
        encoder(encoder.collate([reader.read(items[0])]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"512³ int16, read and embedded (barlow_twins): peak {peak:.2f} GiB")


def windows(folder: Path) -> None:
    """Uncompressed and mapped, then the same compressed and read from the cache.

    Beside bare maps: of the file (int16), and of float32, as what is read is.
    """
    (file,) = folder.iterdir()
    stored = np.asanyarray(nibabel.load(file).dataobj.get_unscaled())
    np.save(folder / "float32.npy", stored.astype(np.float32))
    maps = {"int16": stored, "float32": np.load(folder / "float32.npy", mmap_mode="r")}
    compressed = folder / "compressed"
    compressed.mkdir()
    nibabel.save(nibabel.load(file), compressed / "noise.nii.gz")
    os.environ["UNLABELED_CACHE"] = str(folder / "cache")
    for path, name in ((file, "mapped .nii"), (compressed, "cached .nii.gz")):
        reader = Volumes(patch=SIDE)
        (item,) = reader.index(path)
        ours: list[float] = []
        plain: dict[str, list[float]] = {kind: [] for kind in maps}
        for _ in range(REPEATS + 1):
            ours.append(repeat(partial(reader.read, item)))
            for kind, mapped in maps.items():
                plain[kind].append(repeat(partial(bare, mapped)))
        ratios = {kind: np.median(np.divide(ours, plain[kind])[1:]) for kind in maps}
        told = ", ".join(
            f"{ratio:.1f} × a bare {kind} map's time" for kind, ratio in ratios.items()
        )
        print(f"64³ windows, {name}: {1 / np.median(ours[1:]):.0f}/s of CPU, {told}")


def bare(mapped: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32 of a window at a drawn place, neither turned nor standardised."""
    start = [int(rng.integers(length - SIDE + 1)) for length in mapped.shape]
    return np.array(mapped[tuple(slice(a, a + SIDE) for a in start)], dtype=np.float32)


def repeat(read: Callable[[np.random.Generator], object]) -> float:
    """Seconds per window, of as many as a batch holds at once."""
    return seconds(lambda: [read(np.random.default_rng(i)) for i in range(BATCH)]) / BATCH


def masked_step() -> None:
    recipe = load_recipe("medical/mae_small")
    pretext = build_pretext(recipe, {"channels": 1, "rank": 3})
    volume = Volume(torch.randn(1, 96, 96, 96), np.eye(4), torch.ones(1, dtype=torch.bool))
    batch = pretext.collate([pretext.example(volume, Draw(0, 0, str(i), 0, "")) for i in range(2)])
    plain = pretext.encoder.encode_visible
    everything = torch.arange((96 // recipe.encoder.settings.patch) ** 3).expand(2, -1)

    def dense(volumes: object, visible: torch.Tensor) -> torch.Tensor:
        return take_tokens(plain(volumes, everything), visible)

    step(pretext, batch)
    ratios = []
    for _ in range(STEPS):
        masked = seconds(lambda: step(pretext, batch))
        pretext.encoder.encode_visible = dense
        ratios.append(masked / seconds(lambda: step(pretext, batch)))
        del pretext.encoder.encode_visible
    print(f"mae_small, 96³, 75 % hidden: {np.median(ratios):.2f} × the step with all tokens run")


def step(pretext: Pretext, batch: object) -> None:
    pretext(batch).total.backward()
    pretext.zero_grad()


def seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


if __name__ == "__main__":
    main()
