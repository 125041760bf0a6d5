"""Headers and samples of sound files through libsndfile.

Everything that libsndfile or NumPy raises for a damaged file becomes `UnreadableItem`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from unlabeled.errors import UnreadableItem
from unlabeled_audio.readers.lengths import is_cut_short
from unlabeled_audio.readers.mpeg import measured

SUFFIXES = frozenset(
    (
        ".wav",
        ".wave",
        ".w64",
        ".rf64",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".caf",
        ".au",
        ".snd",
        ".voc",
        ".iff",
        ".svx",
        ".sph",
        ".nist",
    )
)
"""Endings of sound files; libsndfile then goes by the content, not by the name."""

RATES = range(100, 10_000_001)
"""Plausible sample rates in Hz; others come from damaged headers."""

BLOCK = 1 << 18
"""Frames decoded at a time: a header that promises a petabyte allocates no more than this."""


MOST_PER_BYTE = 10_000
"""Samples per channel that a byte can hold (FLAC's silence comes near): a larger length is none."""

MP3_ROUNDING = 4096
"""Samples by which a guess may differ from the length without a note."""


@dataclass(frozen=True, slots=True)
class Header:
    """sample_rate: Hz; frames: samples per channel; counted: whether they were counted, because the
    file gives no length or a wrong one."""

    sample_rate: int
    channels: int
    frames: int
    counted: bool = False


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read without a seek after each block, which fails where its length is unknown.

    Seeking itself works as before. guess_is_wrong: libsndfile alone has another length.
    """

    guess_is_wrong = False

    def seekable(self) -> bool:
        return False


def read_header(path: Path) -> Header:
    """The header of a file. Raises UnreadableItem.

    Samples are decoded once, and only if the file gives no length.
    """
    with _opened(path) as file:
        header = _checked(path, file)
        if header.frames > MOST_PER_BYTE * path.stat().st_size:
            blocks = iter(lambda: len(_block(file, BLOCK)), 0)
            header = replace(header, frames=sum(blocks), counted=True)
        elif is_cut_short(path, file):
            header = replace(header, counted=True)
    if header.frames < 1:
        raise UnreadableItem(str(path), "at least one sample", "a valid header and no samples")
    return header


def decode(path: Path, start: int, frames: int) -> np.ndarray:
    """`frames` frames from frame `start` on: (frames, C) float32, full scale [-1, 1].

    Seeks, so the cost is that of the window. Raises UnreadableItem, also if the file ends
    before the window does, or holds NaN or infinity there.
    """
    with _opened(path) as file:
        _checked(path, file)
        if start:
            file.seek(start)
        values = _read(file, frames)
    if len(values) < frames:
        found = f"an end after {start + len(values)} (a truncated file?)"
        raise UnreadableItem(str(path), f"{start + frames} samples per channel", found)
    finite = np.isfinite(values)
    if not finite.all():
        bad = finite.size - np.count_nonzero(finite)
        raise UnreadableItem(str(path), "finite samples", f"{bad} that are NaN or infinite")
    return values


def _read(file: _Forward, frames: int) -> np.ndarray:
    blocks = [_block(file, frames)]
    while len(blocks[-1]) and (left := frames - sum(map(len, blocks))):
        blocks.append(_block(file, left))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _block(file: _Forward, frames: int) -> np.ndarray:
    block: np.ndarray = file.read(min(frames, BLOCK), dtype="float32", always_2d=True)
    return block


def _checked(path: Path, file: _Forward) -> Header:
    header = Header(int(file.samplerate), int(file.channels), int(file.frames), file.guess_is_wrong)
    if header.frames < 1:
        raise UnreadableItem(str(path), "at least one sample", "a valid header and no samples")
    if header.sample_rate not in RATES:
        expected = f"a sample rate between {RATES[0]} and {RATES[-1]} Hz"
        raise UnreadableItem(str(path), expected, f"{header.sample_rate} Hz")
    return header


@contextmanager
def _opened(path: Path) -> Iterator[_Forward]:
    try:
        with ExitStack() as stack:
            file = stack.enter_context(_Forward(path))
            if file.format == "MP3" and (longer := measured(path)):
                guessed = file.frames
                file = stack.enter_context(_Forward(stack.enter_context(longer)))
                file.guess_is_wrong = abs(file.frames - guessed) > MP3_ROUNDING
            yield file
    except UnreadableItem:
        raise
    except (soundfile.SoundFileError, OSError, ValueError, MemoryError, OverflowError) as error:
        raise UnreadableItem(str(path), "a sound file", _reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as unreadable:
        return unreadable.strerror or str(unreadable)
    if not head:
        return "an empty file"
    message = getattr(error, "error_string", str(error)).rstrip(".")
    return f"a file that begins with {head!r}; libsndfile says: {message}"
