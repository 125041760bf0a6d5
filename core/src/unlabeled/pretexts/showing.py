"""What pretexts that hide patches share: pictures of what was hidden, found, and there."""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.contract import Batch, DrawsPatches, Encoder, Previews, Sample, Work
from unlabeled.data.items import Item
from unlabeled.pretexts.masking import maskable


def work_of(
    encoder: Encoder,
    batch: Batch,
    found: tuple[Tensor, Tensor],
    shown: tuple[Item, Sample],
    reader: Previews,
    note: str = "",
) -> Work | None:
    """Hidden, reconstructed, true: of a batch of one sample. None if the encoder cannot draw.

    found: the hidden places (1, H), -1 is padding, and the values reconstructed there, (1, H, P),
    in the units of `PatchEncoder.patches`; shown: what `batch` is made of.
    """
    if not isinstance(encoder, DrawsPatches):
        return None
    true = maskable(encoder).patches(batch)[0][0]
    asked = found[0][0] >= 0
    places, values = found[0][0][asked], found[1][0][asked].to(true.dtype)
    covered = torch.zeros(len(true), dtype=torch.bool)
    covered[places] = True
    hidden, reconstructed = true.clone(), true.clone()
    # The mean of what is seen: a darker or brighter cover would change the contrast of the rest.
    hidden[covered] = true[~covered].mean(0) if not covered.all() else 0
    reconstructed[places] = values
    columns = {"hidden": hidden, "reconstructed": reconstructed, "true": true}
    drawn = {
        title: tuple(encoder.draw_patches(*shown, patches, reader))
        for title, patches in columns.items()
    }
    return Work(tuple(drawn.items()), note)
