"""MP3 files without their length in the header.

libsndfile then guesses: if the guess is wrong, it fails after a quiet beginning, and drops the rest
after a loud one. `Measured` puts a frame with the number of frames in front.
"""

from __future__ import annotations

import io
import mmap
from functools import lru_cache
from pathlib import Path

VERSIONS = {
    3: (1, 44_100, 48_000, 32_000),
    2: (2, 22_050, 24_000, 16_000),
    0: (2, 11_025, 12_000, 8_000),
}
RATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s by the version's generation."""
LENGTH = (b"Xing", b"Info", b"VBRI")
SEARCHED = 1 << 16
"""Bytes in which a frame is looked for."""


class Measured(io.RawIOBase):
    """The file from its first frame, after the frame `first`, which gives the length."""

    def __init__(self, path: Path, first: bytes, start: int) -> None:
        self._file = path.open("rb")
        self._first, self._start = first, start
        self._size = len(first) + path.stat().st_size - start
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        head = self._first[self._place : self._place + len(buffer)]
        self._file.seek(self._start + max(self._place + len(head) - len(self._first), 0))
        data = head + self._file.read(len(buffer) - len(head))
        memoryview(buffer).cast("B")[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def measured(path: Path) -> Measured | None:
    """The file with its length in front; None if it has one, or is not an MP3. Raises OSError."""
    found = path.stat()
    first, start = _measure(path, found.st_size, found.st_mtime_ns)
    return Measured(path, first, start) if first else None


@lru_cache(maxsize=4096)
def _measure(path: Path, size: int, changed: int) -> tuple[bytes, int]:  # noqa: ARG001
    """The frame to put in front and where the first one starts; b"" where nothing is needed."""
    if not size:
        return b"", 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = place = _next(data, _after_tag(data))
        if start < 0 or any(mark in data[start : start + 200] for mark in LENGTH):
            return b"", 0
        frames = 0
        while place >= 0 and (length := _length(data, place)) and place + length <= size:
            frames += 1
            place += length
            if not _length(data, place):
                place = _next(data, place)
        return _frame(data[start : start + 4], frames), start


def _after_tag(data: mmap.mmap) -> int:
    """Where an ID3 tag ends; its size is written in 7 bits a byte."""
    if data[:3] != b"ID3":
        return 0
    size = sum(
        (byte & 127) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True)
    )
    return 10 + size


def _next(data: mmap.mmap, place: int) -> int:
    """The next frame that another one follows, or that ends the file; -1 if none is near."""
    last = min(place + SEARCHED, len(data))
    while (place := data.find(b"\xff", place, last)) >= 0:
        length = _length(data, place)
        if length and (place + length == len(data) or _length(data, place + length)):
            return place
        place += 1
    return -1


def _length(data: mmap.mmap, place: int) -> int:
    """Bytes of the layer III frame at `place`; 0 if there is none, or it does not say."""
    head = data[place : place + 4]
    if len(head) < 4 or head[0] != 255 or head[1] & 0xE0 != 0xE0 or head[1] & 6 != 2:
        return 0
    version, rate, sampling = (head[1] >> 3) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if version not in VERSIONS or rate in (0, 15) or sampling == 3:
        return 0
    generation, *samplings = VERSIONS[version]
    bits = 144_000 // generation * RATES[generation][rate]
    return bits // samplings[sampling] + (head[2] >> 1 & 1)


def _frame(head: bytes, frames: int) -> bytes:
    """A frame of silence at 128 kbit/s with the number of the other frames (Xing's header)."""
    generation = VERSIONS[(head[1] >> 3) & 3][0]
    rate = RATES[generation].index(128)
    head = bytes((255, head[1] | 1, rate << 4 | head[2] & 0x0C, head[3]))
    mono = head[3] >> 6 == 3
    side = {(1, False): 32, (1, True): 17, (2, False): 17, (2, True): 9}[generation, mono]
    length = _length(head, 0)  # type: ignore[arg-type]
    header = head + bytes(side) + b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return header.ljust(length, b"\0")
