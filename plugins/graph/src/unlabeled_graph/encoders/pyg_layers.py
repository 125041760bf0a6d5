"""The layers of PyG that a recipe may name, with their arguments.

They take `in_channels` and `out_channels`, map (M, below) to (M, above) by the edges, and need no
module or table of their own. The argument `cached` is left out: batches differ.
"""

from __future__ import annotations

from typing import Any, Literal

Aggregation = Literal[
    "add", "sum", "mean", "max", "min", "mul", "var", "std", "median", "softmax", "powermean"
]

EVERY: dict[str, Any] = {
    "bias": bool,
    "aggr": Aggregation,
    "flow": Literal["source_to_target", "target_to_source"],
}
LOOPS: dict[str, Any] = {**EVERY, "add_self_loops": bool}
ATTENTION: dict[str, Any] = {
    **LOOPS,
    "heads": int,
    "concat": bool,
    "negative_slope": float,
    "dropout": float,
    "edge_dim": int,
    "fill_value": float | Literal["add", "sum", "mean", "max", "min", "mul"],
    "residual": bool,
}

LAYERS: dict[str, dict[str, Any]] = {
    "ARMAConv": {
        **EVERY,
        "num_stacks": int,
        "num_layers": int,
        "shared_weights": bool,
        "dropout": float,
    },
    "ChebConv": {**EVERY, "K": int, "normalization": Literal["sym", "rw"]},
    "ClusterGCNConv": {**LOOPS, "diag_lambda": float},
    "EGConv": {
        "bias": bool,
        "aggregators": tuple[Literal["sum", "mean", "symnorm", "max", "min", "var", "std"], ...],
        "num_heads": int,
        "num_bases": int,
        "add_self_loops": bool,
    },
    "FeaStConv": {**LOOPS, "heads": int},
    "FiLMConv": {"aggr": Aggregation},
    "GATConv": ATTENTION,
    "GATv2Conv": {**ATTENTION, "share_weights": bool},
    "GCNConv": {**LOOPS, "improved": bool, "normalize": bool},
    "GENConv": {
        **EVERY,
        "t": float,
        "learn_t": bool,
        "p": float,
        "learn_p": bool,
        "msg_norm": bool,
        "learn_msg_scale": bool,
        "norm": Literal["batch", "layer", "instance"],
        "num_layers": int,
        "expansion": int,
        "eps": float,
        "edge_dim": int,
    },
    "GeneralConv": {
        **EVERY,
        "in_edge_channels": int,
        "skip_linear": bool,
        "directed_msg": bool,
        "heads": int,
        "attention": bool,
        "attention_type": Literal["additive", "dot_product"],
        "l2_normalize": bool,
    },
    "GraphConv": EVERY,
    "LEConv": EVERY,
    "MFConv": {**EVERY, "max_degree": int},
    "PDNConv": {**LOOPS, "edge_dim": int, "hidden_channels": int, "normalize": bool},
    "ResGatedGraphConv": {**EVERY, "edge_dim": int, "root_weight": bool},
    "SAGEConv": {**EVERY, "normalize": bool, "root_weight": bool, "project": bool},
    "SGConv": {**LOOPS, "K": int},
    "SSGConv": {**LOOPS, "alpha": float, "K": int},
    "SuperGATConv": {
        **LOOPS,
        "heads": int,
        "concat": bool,
        "negative_slope": float,
        "dropout": float,
        "attention_type": Literal["MX", "SD"],
    },
    "TAGConv": {**EVERY, "K": int, "normalize": bool},
    "TransformerConv": {
        **EVERY,
        "heads": int,
        "concat": bool,
        "beta": bool,
        "dropout": float,
        "edge_dim": int,
        "root_weight": bool,
    },
}
