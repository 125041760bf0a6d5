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
