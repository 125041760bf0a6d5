"""Arrays as files that a browser shows: PNG and WAV, without a library of pictures."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import numpy as np

SIDE = 320
"""Pixels of the longer side; larger pictures are thinned out."""


def grey_levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """values from low (black) to high (white): uint8 of the same shape; not finite is black."""
    scaled = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    levels: np.ndarray = np.nan_to_num(scaled.clip(0, 1) * 255, nan=0.0).round().astype(np.uint8)
    return levels


def contrast(values: np.ndarray) -> tuple[float, float]:
    """The 2nd and 98th percentile of the finite values, of any shape; 0 and 0 without one."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (2, 98)) if finite.size else (0.0, 0.0)
    return float(low), float(high)


def png(levels: np.ndarray) -> bytes:
    """A PNG of (H, W) grey levels or (H, W, 3) red, green and blue, uint8, thinned to `SIDE`."""
    step = max(1, -(-max(levels.shape[:2]) // SIDE))
    levels = np.ascontiguousarray(levels[::step, ::step])
    height, width = levels.shape[:2]
    rows = levels.reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if levels.ndim == 3 else 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def wav(values: np.ndarray, sample_rate: int) -> bytes:
    """A WAV of (T,) float in full scale [-1, 1], 16 bits; beyond is clipped."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((values.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
    return buffer.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def smaller(content: bytes, side: int) -> bytes:
    """A PNG that `png` wrote, averaged down until its longer side has at most `side` pixels.

    Unchanged if it is small enough, or was not written by `png`.
    """
    levels = _levels(content)
    if levels is None or max(levels.shape[:2]) <= side:
        return content
    step = -(-max(levels.shape[:2]) // side)
    height, width = (max(1, size // step) for size in levels.shape[:2])
    across, down = min(step, levels.shape[1]), min(step, levels.shape[0])
    cut = levels[: height * down, : width * across].astype(np.float64)
    blocks = cut.reshape(height, down, width, across, -1).mean((1, 3))
    return png(blocks.round().astype(np.uint8).reshape(height, width, *levels.shape[2:]))


def _levels(content: bytes) -> np.ndarray | None:
    """(H, W) or (H, W, 3) uint8 of a PNG of `png`; None of one with filters or another depth."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 41:
        return None
    width, height, depth, colour = struct.unpack(">IIBB", content[16:26])
    channels = {0: 1, 2: 3}.get(colour)
    length = struct.unpack(">I", content[33:37])[0]
    if depth != 8 or channels is None or width * height > SIDE * SIDE or content[37:41] != b"IDAT":
        return None
    try:
        size = height * (width * channels + 1)
        raw = zlib.decompressobj().decompress(content[41 : 41 + length], size)
    except zlib.error:
        return None
    if len(raw) != size:
        return None
    rows = np.frombuffer(raw, np.uint8).reshape(height, -1)
    if rows[:, 0].any():
        return None
    return rows[:, 1:].reshape((height, width, 3) if channels == 3 else (height, width))


HEAT = np.array(
    [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]], np.float64
)
"""Anchors of matplotlib's map `magma` (Smith and van der Walt 2015): ordered in grey, too."""


def heat(levels: np.ndarray) -> np.ndarray:
    """Colours for grey levels, dark to bright. levels: (H, W) uint8. Returns (H, W, 3) uint8."""
    at = np.linspace(0, 255, len(HEAT))
    table = np.stack([np.interp(np.arange(256), at, HEAT[:, c]) for c in range(3)], axis=1)
    found: np.ndarray = table.round().astype(np.uint8)[levels]
    return found
