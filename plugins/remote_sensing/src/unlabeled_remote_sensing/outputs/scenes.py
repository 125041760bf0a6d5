"""Whole scenes, tile by tile: their embedding as a map, or their restoration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric.utilities import move_data_to_device

from unlabeled.contract import Encoder, Tokens
from unlabeled.data.items import Item
from unlabeled.errors import UsageError
from unlabeled_remote_sensing.encoders.despeckler import Despeckler
from unlabeled_remote_sensing.outputs.files import write_geoparquet, write_geotiff
from unlabeled_remote_sensing.outputs.strips import Compute, compute_strips
from unlabeled_remote_sensing.outputs.tiles import Tile, Tiling
from unlabeled_remote_sensing.raster import compose
from unlabeled_remote_sensing.readers.scenes import Scenes


def embed_scene(
    encoder: Encoder,
    reader: Scenes,
    item: Item,
    out: Path,
    *,
    output: str,
    tile: int = 256,
    margin: int = 32,
    batch_size: int = 8,
) -> None:
    """Embed a scene of any size into `out`: a map (.tif) or a table of footprints (.parquet).

    encoder: one with a `patch` in pixels, in eval mode, on any device; item: of a reader
    with items: scene; output: the name of an output of kind tokens; tile, margin: in pixels, whole
    patches, the margin is context that neighbouring tiles share. A second call resumes an
    interrupted one. Raises UsageError and UnreadableItem.
    """
    widths = {o.name: o.width for o in encoder.outputs if o.kind == "tokens"}
    if output not in widths:
        raise UsageError(f"output: expected one of {', '.join(widths)}, found {output!r}")
    patch = int(encoder.preprocessing()["patch"])
    width = widths[output]

    def compute(tiles: Sequence[Tile]) -> Iterator[np.ndarray]:
        for start in range(0, len(tiles), batch_size):
            some = tiles[start : start + batch_size]
            rasters = [reader.read_part(item, t.row, t.column, t.height, t.width) for t in some]
            batch = move_data_to_device(encoder.collate(rasters), device_of(encoder))
            with torch.inference_mode():
                tokens = encoder.encode(batch, output)
            assert isinstance(tokens, Tokens)
            sides = np.max([raster.shape for raster in rasters], axis=0)
            yield from _grids(tokens, tuple(-(-int(side) // patch) for side in sides))

    _run(encoder, reader, item, out, patch, tile, margin, compute, width, output)


def despeckle_scene(
    encoder: Despeckler,
    reader: Scenes,
    item: Item,
    out: Path,
    *,
    tile: int = 512,
    margin: int = 32,
) -> None:
    """Despeckle a complex scene of any size into the GeoTIFF `out`: reflectivity, float32.

    Arguments and errors as those of `embed_scene`.
    """
    if out.suffix == ".parquet":
        raise UsageError(f"{out}: a restored scene is an image; name it .tif")

    def compute(tiles: Sequence[Tile]) -> Iterator[np.ndarray]:
        for t in tiles:
            restored = encoder.restore(reader.read_part(item, t.row, t.column, t.height, t.width))
            layer = restored.layers[encoder.sensor]
            yield np.where(layer.valid, layer.values, np.nan)

    # Tiles begin on the same lattice when pixels are thinned out.
    step = encoder.settings.subsample
    tile, margin = (side // step * step for side in (tile, margin))
    _run(encoder, reader, item, out, 1, tile, margin, compute, 1, "reflectivity")


def _run(
    encoder: Encoder,
    reader: Scenes,
    item: Item,
    out: Path,
    cell: int,
    tile: int,
    margin: int,
    compute: Compute,
    bands: int,
    name: str,
) -> None:
    grid = reader.grid(item)
    tiling = Tiling(grid.height, grid.width, cell, tile, margin)
    plan = {
        "weights": weights_digest(encoder),
        "settings": encoder.settings.model_dump(mode="json"),
        "reader": reader.model_dump(mode="json"),
        "item": [item.id, item.source, item.signature, grid.height, grid.width],
        "tiling": [cell, tile, margin],
        "name": name,
    }
    strips = compute_strips(out.with_name(f".{out.name}.strips"), tiling, plan, compute, bands)
    place = compose(grid.transform, (float(cell), 0.0, 0.0, 0.0, float(cell), 0.0))
    if out.suffix == ".parquet":
        write_geoparquet(out, strips, transform=place, crs=grid.crs or None)
        return
    names = [name] if bands == 1 else [f"{name} {index}" for index in range(bands)]
    write_geotiff(
        out, strips, shape=tiling.shape, transform=place, crs=grid.crs or None, bands=names
    )


def _grids(tokens: Tokens, grid: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Each sample's tokens as (D, rows, columns) of the batch's grid, NaN where not valid."""
    values = torch.where(tokens.valid.unsqueeze(-1), tokens.values.float(), torch.nan)
    for sample in values.cpu().numpy():
        yield sample.T.reshape(-1, *grid)


def device_of(encoder: Encoder) -> torch.device:
    """Where an encoder's weights are."""
    return next(parameter.device for parameter in encoder.parameters())


def weights_digest(encoder: Encoder) -> str:
    """A digest of all weights and buffers."""
    digest = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()
