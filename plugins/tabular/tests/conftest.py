import numpy as np
import pytest

from unlabeled_tabular.encoders.ft_transformer import FTTransformer, FTTransformerSettings
from unlabeled_tabular.row import Marginals, Row

NUMBERS, TEXTS = ("age", "fare", "empty"), ("soil", "slope")
CATEGORIES = {"soil": ("clay", "sand"), "slope": ("flat", "hill", "steep")}


@pytest.fixture
def rows():
    """Sixty rows; the third number is empty in every other one, and a category in some."""
    rng = np.random.default_rng(0)
    numbers = rng.lognormal(size=(60, 3)).astype(np.float32)
    numbers[::2, 2] = np.nan
    texts = np.stack([rng.choice(values, 60) for values in CATEGORIES.values()], 1).astype(object)
    texts[::7, 1] = ""
    values = tuple(CATEGORIES.values())
    marginals = Marginals(numbers, texts)
    return [
        Row(n, t, NUMBERS, TEXTS, values, marginals) for n, t in zip(numbers, texts, strict=True)
    ]


@pytest.fixture
def transformer(rows):
    encoder = FTTransformer(
        FTTransformerSettings(numbers=NUMBERS, categories=CATEGORIES, width=8, depth=1, heads=2)
    )
    encoder.calibrate([encoder.collate(rows)])
    return encoder.eval()
