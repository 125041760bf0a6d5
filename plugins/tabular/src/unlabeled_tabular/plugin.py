"""The manifest. Imports its own types alone, so that listing plugins is fast."""

from __future__ import annotations

from unlabeled.plugin import PLUGIN_API, Component, Plugin, Trial

P = "unlabeled_tabular"

plugin = Plugin(
    api=PLUGIN_API,
    modality="tabular",
    summary="Tables of mixed columns: rows of CSV, JSON lines and Parquet",
    synthetic={"rows": Component(f"{P}.synthetic:write", "four classes of rows")},
    readers={"rows": Component(f"{P}.readers.rows:Rows", "rows of CSV and Parquet tables")},
    augmentations={
        "corrupt": Component(
            f"{P}.augmentations.corrupt:Corrupt",
            "cells take values of other rows",
            source="Bahri et al. 2022, arXiv:2106.15147",
        )
    },
    encoders={
        "ft_transformer": Component(
            f"{P}.encoders.ft_transformer:FTTransformer",
            "a transformer with one token per cell",
            source="Gorishniy et al. 2021, arXiv:2106.11959",
        ),
        "resnet": Component(
            f"{P}.encoders.resnet:ResNet",
            "a residual network over all cells",
            source="Gorishniy et al. 2021, arXiv:2106.11959",
        ),
    },
    pretexts={
        "t_jepa": Component(
            f"{P}.pretexts.t_jepa:TJEPA",
            "a teacher's tokens of some cells from other cells",
            source="Thimonier et al. 2025, arXiv:2410.05016",
        ),
        "masked_cells": Component(
            f"{P}.pretexts.masked_cells:MaskedCells",
            "hidden cells from the others",
            source="Yoon et al. 2020, NeurIPS; He et al. 2022, arXiv:2111.06377",
        ),
    },
    baselines={
        "columns": Component(
            f"{P}.baselines.columns:RawColumns", "the columns, one number per category"
        )
    },
    evaluators={
        "boosted_trees": Component(
            f"{P}.evaluators.boosted_trees:BoostedTrees", "classes by gradient-boosted trees"
        ),
        "boosted_trees_regression": Component(
            f"{P}.evaluators.boosted_trees:BoostedTreesRegression",
            "values by gradient-boosted trees",
        ),
    },
    recipes={
        "t_jepa": Component(
            f"{P}:recipes/t_jepa.yaml",
            "T-JEPA: cells from cells, without views",
            source="Thimonier et al. 2025, arXiv:2410.05016",
            experimental=True,
        ),
        "masked_cells": Component(
            f"{P}:recipes/masked_cells.yaml",
            "hidden cells from the others",
            source="Yoon et al. 2020, NeurIPS",
            experimental=True,
        ),
        "scarf": Component(
            f"{P}:recipes/scarf.yaml",
            "a row and the same row with cells of others, by NT-Xent",
            source="Bahri et al. 2022, arXiv:2106.15147",
            experimental=True,
        ),
    },
    trials={
        "masked_cells": Trial(
            "masked_cells",
            items=256,
            overrides={"encoder": {"width": 32, "depth": 2}, "training": {"steps": 300}},
        ),
        "t_jepa": Trial(
            "t_jepa",
            items=256,
            overrides={
                "encoder": {"width": 32, "depth": 2, "dropout": 0.0},
                "pretext": {"context": [0.6, 0.8], "targets": 2},
                "training": {
                    "batch_size": 64,
                    "steps": 500,
                    "optimiser": {"name": "adamw", "lr": 0.005, "weight_decay": 0.0},
                },
            },
        ),
    },
)
