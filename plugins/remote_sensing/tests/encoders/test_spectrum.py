import numpy as np
import pytest

from unlabeled_remote_sensing.encoders.spectrum import centring_shift, symmetrised
from unlabeled_remote_sensing.raster import Layer, Raster


def scene(values):
    return Raster(
        {"slc": Layer(values[None].astype("complex64"), np.ones(values.shape, bool))},
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    )


@pytest.mark.parametrize("offset", [(20, -13), (37, 50), (-90, 70), (0, 0)])
def test_symmetrising_puts_the_spectrum_back_in_the_middle(offset):
    rng = np.random.default_rng(0)
    n = 256
    row, column = np.mgrid[:n, :n] - n // 2
    shape = np.exp(-0.5 * ((row / 40) ** 2 + (column / 30) ** 2))
    white = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    spectrum = np.roll(white * shape, offset, axis=(0, 1))
    image = np.fft.ifft2(np.fft.ifftshift(spectrum))
    centred = symmetrised(scene(image), "slc").layers["slc"].values[0]
    power = np.abs(np.fft.fftshift(np.fft.fft2(centred))) ** 2
    assert abs((power * row).sum() / power.sum()) < 1
    assert abs((power * column).sum() / power.sum()) < 1
    assert (np.abs(centred) ** 2).sum() == pytest.approx((np.abs(image) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("n", [31, 32])
@pytest.mark.parametrize("shift", [-7, 0, 5])
def test_a_shifted_profile_is_shifted_back(n, shift):
    profile = np.exp(-0.5 * ((np.arange(n) - n // 2) / 4) ** 2)
    assert abs(centring_shift(np.roll(profile, shift)) % n - (-shift) % n) <= 1
