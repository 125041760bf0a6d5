"""M1: a manifest that imports a heavy library."""

import torch
from unlabeled_tides.plugin import plugin

__all__ = ["plugin", "torch"]
