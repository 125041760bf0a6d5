"""The recipes of the grid: per domain one two-view recipe and one masked one, and what each method
changes in them. Settings are equal for all objectives; nothing was chosen for any of them.
"""

from __future__ import annotations

import copy
from typing import Any

Recipe = dict[str, Any]

OPTIMISER = {"name": "adamw", "lr": 0.001, "weight_decay": 0.01}
SCHEDULE = {"name": "cosine", "warm_up": 0.1}

TWO_VIEWS: dict[str, Recipe] = {
    "barlow_twins": {"objective": {"name": "barlow_twins", "projector": [256, 256]}},
    "mixed_barlow_twins": {
        "objective": {"name": "mixed_barlow_twins", "projector": [256, 256]},
        "pretext": {"name": "mixed_barlow_twins"},
    },
    "vicreg": {"objective": {"name": "vicreg", "projector": [256, 256]}},
    "nt_xent": {"objective": {"name": "nt_xent", "temperature": 0.2, "projector": [256, 128]}},
    "dcl": {"objective": {"name": "dcl", "temperature": 0.2, "projector": [256, 128]}},
    "dclw": {
        "objective": {"name": "dcl", "sigma": 0.5, "temperature": 0.2, "projector": [256, 128]}
    },
    "ssl_ey": {"objective": {"name": "ssl_ey", "projector": [256, 256]}},
    "byol": {"objective": {"name": "byol", "projector": [256, 128], "predictor": 256}},
    "simsiam": {"objective": {"name": "simsiam", "projector": [256, 256], "predictor": 64}},
    "directpred": {"objective": {"name": "directpred", "projector": [256, 128]}},
    "swav": {"objective": {"name": "swav", "prototypes": 64, "projector": [256, 128]}},
    "dino": {"objective": {"name": "dino", "prototypes": 256, "projector": [256, 128]}},
}
"""What each objective of paired views puts into the domain's two-view recipe."""

DECODER = {"width": 64, "depth": 1, "heads": 4}
MASKED: dict[str, Recipe] = {
    "mae": {"pretext": {"name": "masked_autoencoder", "decoder": DECODER}},
    "masked_latent": {"pretext": {"name": "masked_latent", "predictor": DECODER}},
    "gmml": {"pretext": {"name": "gmml"}},
}
"""The masked methods of the core, for the domain's masked recipe."""

RECIPES: dict[str, dict[str, Recipe]] = {
    "audio": {
        "two_views": {
            "reader": {"name": "audio/clips", "sample_rate": 16000},
            "encoder": {
                "name": "audio/cnn",
                "features": {"kind": "stft", "bins": 40},
                "channels": [32, 32, 32],
                "width": 256,
            },
            "views": [
                {
                    "count": 2,
                    "steps": [
                        {"name": "audio/crop", "seconds": 0.96},
                        {"name": "audio/gain", "low_db": -6, "high_db": 6},
                        {"name": "audio/noise", "low_snr_db": 10, "high_snr_db": 30},
                        {"name": "audio/mixing", "low_snr_db": 5, "high_snr_db": 20},
                    ],
                }
            ],
        },
        "masked": {
            "reader": {"name": "audio/clips", "sample_rate": 16000, "crop_seconds": 1.0},
            "encoder": {
                "name": "audio/ast",
                "features": {"bins": 40, "normalise": "clip"},
                "patch": [40, 2],
                "width": 96,
                "depth": 4,
                "heads": 3,
                "positions": "sine",
                "pooling": "statistics",
            },
        },
    },
    "graph": {
        "two_views": {
            "reader": {},
            "encoder": {"name": "graph/gin", "width": 64, "depth": 5, "jump": "all"},
            "views": [
                {
                    "count": 2,
                    "steps": [
                        {"name": "graph/drop_edges", "ratio": 0.2},
                        {"name": "graph/mask_features", "ratio": 0.2},
                    ],
                }
            ],
        },
        "masked": {
            "reader": {},
            "encoder": {"name": "graph/gin", "width": 64, "depth": 5, "jump": "all"},
        },
    },
    "medical": {
        "two_views": {
            "reader": {"name": "medical/volumes"},
            "encoder": {
                "name": "medical/residual",
                "widths": [24, 48, 96],
                "first_stride": 2,
                "regions": 2,
            },
            "views": [
                {
                    "count": 2,
                    "steps": [
                        {
                            "name": "medical/resized_crop",
                            "size": 20,
                            "smallest": 0.5,
                            "largest": 1.0,
                        },
                        {"name": "medical/flip", "axes": [1]},
                        {"name": "medical/intensity"},
                        {"name": "medical/noise", "largest": 0.3},
                    ],
                }
            ],
            "evaluation": {"output": "regions"},
        },
        "masked": {
            "reader": {"name": "medical/volumes"},
            "encoder": {"name": "medical/vit", "patch": 4, "width": 96, "depth": 4, "heads": 4},
        },
    },
    "remote_sensing": {
        "two_views": {
            "reader": {"name": "remote_sensing/scenes"},
            "encoder": {"name": "remote_sensing/raster_vit", "width": 96, "depth": 4, "heads": 4},
            "views": [
                {
                    "count": 2,
                    "steps": [
                        {"name": "remote_sensing/resized_crop", "size": 40, "scale": [0.5, 1.0]},
                        {"name": "remote_sensing/dihedral"},
                        {"name": "remote_sensing/band_jitter", "gain": 0.2, "shift": 0.2},
                    ],
                }
            ],
        },
        "masked": {
            "reader": {"name": "remote_sensing/scenes", "window": 48},
            "encoder": {"name": "remote_sensing/raster_vit", "width": 96, "depth": 4, "heads": 4},
        },
    },
}

OWN: dict[str, dict[str, Recipe]] = {
    "audio": {
        "ssast": {"pretext": {"name": "audio/ssast"}},
        "tera": {"pretext": {"name": "audio/tera"}},
    },
    "graph": {
        "graphmae": {"pretext": {"name": "graph/graphmae"}},
        "infograph": {"pretext": {"name": "graph/infograph"}},
    },
    "medical": {},
    "remote_sensing": {},
}
"""Masked methods of the plugins, for the domain's masked recipe."""

BASELINES = {
    "audio": ["audio/log_mel_statistics", "audio/log_mel_grid", "audio/mfcc_statistics"],
    "medical": ["medical/intensity_statistics", "medical/pixels"],
    "remote_sensing": ["remote_sensing/band_statistics"],
}


def methods(domain: str) -> dict[str, Recipe]:
    """Every method of a domain by name, as a whole recipe without its steps and seed."""
    masked, paired = {**MASKED, **OWN[domain]}, dict(TWO_VIEWS)
    if domain == "graph":  # a graph's nodes are no grid, and two graphs have no mean
        masked = OWN[domain]
        del paired["mixed_barlow_twins"]
    found = {name: _recipe(domain, "two_views", each) for name, each in paired.items()}
    return {**found, **{name: _recipe(domain, "masked", each) for name, each in masked.items()}}


def _recipe(domain: str, kind: str, method: Recipe) -> Recipe:
    recipe = copy.deepcopy(RECIPES[domain][kind]) | copy.deepcopy(method)
    recipe.setdefault("pretext", {"name": "joint_embedding"})
    recipe["training"] = {
        "batch_size": 64,
        "clip": 1.0,
        "optimiser": dict(OPTIMISER),
        "schedule": dict(SCHEDULE),
        "on_collapse": "warn",
    }
    recipe.setdefault("evaluation", {})["baselines"] = BASELINES.get(domain, [])
    return recipe
