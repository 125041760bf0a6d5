"""Recordings: a folder of sound files, one file, or a manifest of segments.

Everything libsndfile reads (WAV, FLAC, Ogg, Opus, MP3, AIFF, CAF, AU, RF64 …), at any rate, width
and channel count. Indexing opens headers only; segments and training windows are read by seeking,
so a window of a 24-hour file costs no more than one of a short file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from scipy.signal import resample_poly

from unlabeled.contract import ChecksData, Extends, Glances, Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules
from unlabeled.data.tables import is_table
from unlabeled.errors import DataError
from unlabeled.wording import counted
from unlabeled_audio.readers.data_checks import check_data
from unlabeled_audio.readers.decoding import decode
from unlabeled_audio.readers.listing import Row, join_repeats, list_folder, notes_on_formats
from unlabeled_audio.readers.manifest import list_manifest
from unlabeled_audio.readers.pictures import previews_of
from unlabeled_audio.waveform import Waveform

OWN_COLUMNS = ("id", "source", "group", "size", "rate", "channel", "first", "frames")
TAKEN = {*OWN_COLUMNS, "signature"}

GLANCES, GLANCE_SECONDS = 6, 10.0
"""Number of evenly spread windows in a glance at a long item."""

LONG = 600.0
"""s. A note suggests windows for longer items."""


class Clips(FileRules, ChecksData, Glances, Extends, Previews):
    """Sound files as mono waveforms at one sample rate.

    A manifest is a table, CSV, JSON lines or Parquet, with a column `path` (relative to the table's
    folder) and optionally `start` and `end` (s) and `group`; its other columns become metadata, a
    list of values where several rows are about one clip.
    """

    sample_rate: int = Field(16_000, ge=100, description="Hz; other rates are resampled to it")
    channels: Literal["first", "mean", "each"] = Field(
        "mean", description="of several channels: the first, their mean, or an item for each"
    )
    crop_seconds: float | None = Field(
        None, gt=0, description="while training, a random window of so many seconds (s)"
    )
    window_seconds: float | None = Field(
        None, gt=0, description="make an item of each window of so many seconds (s)"
    )
    hop_seconds: float | None = Field(
        None, gt=0, description="from window to window (s); a window's length if unset"
    )

    def index(self, path: Path) -> Items:
        """List a folder, a sound file or a manifest. Raises DataError."""
        path = Path(path)
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder")
        table = path / self.manifest if self.manifest and path.is_dir() else path
        if table.is_file() and (self.manifest or is_table(table)):
            rows, listing, notes = list_manifest(table, self)
        else:
            rows, listing = list_folder(path, self)
            notes = notes_on_formats(listing)
        if self.window_seconds:
            hop = self.hop_seconds or self.window_seconds
            rows = [w for row in rows for w in row.windows(self.window_seconds, hop)]
        rows, repeated = join_repeats(rows)
        notes += [*repeated, *self._notes(rows)]
        return listing.items(self._columns(rows), notes, of="sound file")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Waveform:
        """(1, T) at `sample_rate`; the whole item, or while training a window of it.

        An item that is shorter than the window is read as a whole. Raises UnreadableItem.
        """
        rate, start, frames = (item.metadata[key] for key in ("rate", "first", "frames"))
        wanted = round(self.crop_seconds * rate) if self.crop_seconds else frames
        if rng is not None and frames > wanted:
            start, frames = start + int(rng.integers(frames - wanted + 1)), max(wanted, 1)
        return self._waveform(item, decode(Path(item.source), start, frames))

    def glance(self, item: Item) -> Waveform:
        """The whole item; of one that is longer than a minute, six windows of 10 s, joined."""
        rate, first, frames = (item.metadata[key] for key in ("rate", "first", "frames"))
        length = round(GLANCE_SECONDS * rate)
        if frames <= GLANCES * length:
            return self.read(item)
        starts = first + np.linspace(0, frames - length, GLANCES).astype(int)
        pieces = [decode(Path(item.source), int(start), length) for start in starts]
        return self._waveform(item, np.concatenate(pieces))

    def extent(self, item: Item) -> float:
        """The length of an item, s."""
        return float(item.metadata["frames"] / item.metadata["rate"])

    def describe(self, items: Items) -> Mapping[str, Any]:  # noqa: ARG002
        return {"sample_rate": self.sample_rate}

    def check_data(self, sample: Waveform) -> list[str]:
        """What is unusual in a clip: silence, dead channels, an offset, clipping, overshoot."""
        return check_data(sample)

    def previews(self, item: Item, sample: Waveform) -> list[Preview]:  # noqa: ARG002
        """The spectrogram and the sound of the first seconds."""
        return previews_of(sample)

    def _waveform(self, item: Item, decoded: np.ndarray) -> Waveform:
        mixed = self.channels == "mean" and decoded.shape[1] > 1
        dead = decoded.shape[1] - int(decoded.any(axis=0).sum()) if mixed else 0
        values, rate = self._one_channel(decoded, item), item.metadata["rate"]
        if rate != self.sample_rate:
            values = resample(values, rate, self.sample_rate)
        return Waveform(torch.from_numpy(values)[None], self.sample_rate, dead)

    def _one_channel(self, values: np.ndarray, item: Item) -> np.ndarray:
        if self.channels == "mean" and values.shape[1] > 1:
            mixed: np.ndarray = values.mean(axis=1)
            return mixed
        column = item.metadata["channel"] if self.channels == "each" else 0
        return np.ascontiguousarray(values[:, column])

    def _columns(self, rows: Sequence[Row]) -> dict[str, list[Any]]:
        names = rows[0].metadata.keys() if rows else ()
        if taken := TAKEN & set(names):
            raise DataError(f"the names {sorted(taken)} are the reader's own; rename these columns")
        columns: dict[str, list[Any]] = {key: [] for key in (*OWN_COLUMNS, *names)}
        for row in rows:
            each = self.channels == "each" and row.header.channels > 1
            for channel in range(row.header.channels if each else 1):
                columns["id"].append(f"{row.id}#{channel}" if each else row.id)
                columns["source"].append(str(row.path))
                columns["group"].append(row.group)
                columns["size"].append(-(-row.frames * self.sample_rate // row.header.sample_rate))
                columns["rate"].append(row.header.sample_rate)
                columns["channel"].append(channel)
                columns["first"].append(row.first)
                columns["frames"].append(row.frames)
                for key, value in row.metadata.items():
                    columns[key].append(value)
        return columns

    def _notes(self, rows: Sequence[Row]) -> list[str]:
        rates = Counter(row.header.sample_rate for row in rows)
        other = sum(count for rate, count in rates.items() if rate != self.sample_rate)
        found = ", ".join(f"{rate} Hz ({count})" for rate, count in rates.most_common(5))
        others = counted(other, "clip", "is", "are")
        notes = [f"{others} resampled to {self.sample_rate} Hz: {found}"] if other else []
        several = {row.id for row in rows if row.header.channels > 1}
        if several and self.channels != "each":
            have = counted(len(several), "clip", "has", "have")
            taken = "their mean is" if self.channels == "mean" else "the first is"
            notes.append(f"{have} several channels, {taken} taken; see reader.channels")
        low = sum(count for rate, count in rates.items() if rate < self.sample_rate)
        if low:
            holds = counted(low, "clip", "holds", "hold")
            notes.append(f"{holds} nothing above half of a lower rate of its own")
        if uncertain := {row.path for row in rows if row.header.counted}:
            first, files = min(uncertain).name, counted(len(uncertain), "file", "says", "say")
            notes.append(
                f"{files} no length or a wrong one, used as far as they decode "
                f"(the first is {first})"
            )
        lengths = [row.frames / row.header.sample_rate for row in rows]
        if long := [seconds for seconds in lengths if seconds > LONG]:
            clips = counted(len(long), "clip", "is", "are")
            notes.append(
                f"{clips} longer than {LONG / 60:.0f} minutes, up to "
                f"{max(long) / 3600:.1f} h; without reader.crop_seconds training reads them whole, "
                "and without reader.window_seconds so does embedding"
            )
        return notes


def resample(values: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Polyphase resampling of (T,) from `rate` to `wanted` Hz: (ceil(T · wanted / rate),).

    The low-pass filter is a Kaiser window (beta 5) over ten zero crossings on each side.
    """
    resampled: np.ndarray = resample_poly(values, wanted, rate)
    return resampled.astype(np.float32)
