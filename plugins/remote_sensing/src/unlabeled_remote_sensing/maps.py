"""Embed whole scenes of any size as maps; a call resumes an interrupted one.

    unlabeled remote_sensing maps runs/pairs pairs --out maps --output joint_tokens

Writes a cloud-optimised GeoTIFF per scene, or GeoParquet with --format parquet.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

from unlabeled.atomic import write_json
from unlabeled.contract import Encoder
from unlabeled.data.items import Item
from unlabeled.data.made import Contents, Made
from unlabeled.data.quarantine import Limits, Unreadable, write_quarantine
from unlabeled.errors import RunError, UsageError
from unlabeled.export.encoder import (
    encoder_digest,
    load_encoder,
    load_reader,
    read_config,
    require_representation,
)
from unlabeled.inference.encoding import device
from unlabeled.inference.reading import open_source
from unlabeled.progress import say
from unlabeled_remote_sensing.outputs.scenes import embed_scene
from unlabeled_remote_sensing.readers.scenes import Scenes

Format = Literal["tif", "parquet"]


def write_maps(
    run: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    output: str,
    format: Format = "tif",
    tile: int = 256,
    margin: int = 32,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> list[Path]:
    """A map of every scene below `data`, in the folder `out`; those of unchanged scenes are kept.

    run: of the scenes reader, or its encoder folder; output: one of kind tokens; tile, margin: see
    `embed_scene`. Scenes that cannot be read are listed in quarantine.jsonl.
    Raises RunError, DataError and UsageError.
    """
    config, out = read_config(run), Path(out)
    require_representation(config, run)
    reader = load_reader(run)
    if not isinstance(reader, Scenes):
        raise RunError(f"{run}: maps need the reader remote_sensing/scenes")
    # A map is of the whole scene, also if training used windows.
    reader = reader.model_copy(update={"items": "scene"})
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    encoder, items = load_encoder(run).to(device()), source.items
    _claim(out, {"made_by": encoder_digest(run, config), "output": output, "tile": [tile, margin]})
    maps, states = [], Counter[str]()
    with closing(Made(out / "mapped.jsonl", items, Contents(items))) as made:
        for row, item in enumerate(items):
            path = out / f"{item.id}.{format}"
            state = made.state(row)
            if state == "kept" and path.exists():
                maps.append(path)
                continue
            draw = partial(
                _draw, encoder, reader, path=path, output=output, tile=tile, margin=margin
            )
            for _ in source.tried(row, draw):
                made.add(row)
                maps.append(path)
                states["changed" if state == "changed" else "new"] += 1
    say(f"{states.total()} maps drawn, {states['changed']} of them of scenes that changed")
    write_quarantine(out / "quarantine.jsonl", source.all_quarantined, private=False)
    return maps


def _draw(
    encoder: Encoder,
    reader: Scenes,
    item: Item,
    *,
    path: Path,
    output: str,
    tile: int,
    margin: int,
) -> None:
    embed_scene(encoder, reader, item, path, output=output, tile=tile, margin=margin)


def _claim(out: Path, plan: dict[str, object]) -> None:
    """Maps of two encoders must not mix. Raises UsageError."""
    marker = out / "maps.json"
    if not marker.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_json(marker, plan)
    elif json.loads(marker.read_text()) != plan:
        raise UsageError(
            f"{out}: holds maps of another encoder, output or tile; choose another folder"
        )


def maps(
    run: Path,
    data: Path,
    *,
    out: Path,
    output: str,
    format: Format = "tif",
    tile: int = 256,
    margin: int = 32,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> dict[str, list[str]]:
    """Write a map of every scene in DATA; those of unchanged scenes are kept.

    Parameters
    ----------
    run
        A run, or its encoder folder.
    data
        The folder of scenes.
    out
        The folder for the maps.
    output
        Of the encoder, of kind tokens.
    format
        A cloud-optimised GeoTIFF per scene, or GeoParquet.
    tile
        Side in pixels.
    margin
        Context shared by tiles, in pixels.
    unreadable
        What to do with a scene that cannot be read.
    max_skipped
        The largest share of scenes that may be left out so, 0 to 1.
    """
    written = write_maps(
        run,
        data,
        out,
        output=output,
        format=format,
        tile=tile,
        margin=margin,
        unreadable=unreadable,
        max_skipped=max_skipped,
    )
    return {"maps": [str(path) for path in written]}
