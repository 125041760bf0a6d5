"""Centre the spectrum of a complex radar image, so that its parts are independent.

Source: Dalsasso, Denis, Tupin, MERLIN, IEEE TGRS 2021, arXiv:2110.13148, section on the spectrum:
real and imaginary part of neighbouring pixels are correlated unless it is symmetric about zero.
"""

from __future__ import annotations

import numpy as np

from unlabeled_remote_sensing.raster import Layer, Raster


def symmetrised(sample: Raster, sensor: str) -> Raster:
    """The image with its spectrum shifted to the centre along both axes."""
    layer = sample.layers[sensor]
    spectrum = np.fft.fftshift(np.fft.fft2(layer.values[0]))
    magnitude = np.abs(spectrum)
    shifts = [centring_shift(magnitude.mean(axis=1 - axis)) for axis in (0, 1)]
    centred = np.fft.ifft2(np.fft.ifftshift(np.roll(spectrum, shifts, axis=(0, 1))))
    values = np.where(layer.valid, centred, 0)[None].astype(np.complex64)
    return Raster(
        {sensor: Layer(values, layer.valid)},
        sample.transform,
        sample.crs,
        sample.metres_per_pixel,
    )


def centring_shift(profile: np.ndarray) -> int:
    """By how many bins to roll a spectrum's profile (n,) so that it is even about bin n // 2.

    The profile is correlated with its own reversal; of the two shifts that the best lag allows,
    half a circle apart, the one with more energy under a central window is taken.
    """
    n = len(profile)
    transform = np.fft.fft(profile)
    # c[d] = sum_k p[k] p[d - k]: highest at twice the place of the axis of symmetry.
    lag = int(np.argmax(np.fft.ifft(transform * transform).real))
    centre = np.exp(-0.5 * ((np.arange(n) - n // 2) / (0.2 * n)) ** 2)
    # Halves are rounded up, so that a shifted profile is shifted back by the same amount.
    candidates = [int(np.floor(n // 2 - (lag - half) / 2 + 0.5)) for half in (0, n)]
    return max(candidates, key=lambda shift: float((np.roll(profile, shift) * centre).sum()))
