"""The array transforms of MONAI that a recipe may name, with their arguments.

Left out are transforms that load or save files, call functions, import by name or return several
images; and the arguments `device`, `dtype`, `lazy` and `cache_grid`. Nothing here imports MONAI.
"""

from __future__ import annotations

from typing import Any, Literal

Pair = tuple[float, float]
Number = int | float
Numbers = int | float | tuple[float, ...]
Sizes = int | tuple[int, ...]
Ranges = float | tuple[float | tuple[float, float], ...]
"""One range for all axes, or one for each: a number r is -r to r."""
Grid = Literal["bilinear", "nearest", "bicubic"]
Beyond = Literal["zeros", "border", "reflection"]
Resize = Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"]
Edges = Literal["constant", "edge", "reflect", "symmetric", "wrap", "mean", "median", "minimum"]
Kernel = Literal["erf", "sampled", "scalespace"]

AFFINE: dict[str, Any] = {
    "prob": float,
    "rotate_range": Ranges,
    "shear_range": Ranges,
    "translate_range": Ranges,
    "scale_range": Ranges,
    "spatial_size": Sizes,
    "mode": Grid,
    "padding_mode": Beyond,
}
BLOCKS: dict[str, Any] = {
    "holes": int,
    "spatial_size": Sizes,
    "max_holes": int,
    "max_spatial_size": Sizes,
    "prob": float,
}
FIELD: dict[str, Any] = {
    "spatial_size": tuple[int, ...],
    "rand_size": tuple[int, ...],
    "pad": int,
    "mode": Resize,
    "align_corners": bool,
    "prob": float,
    "gamma": Numbers,
}
CROP: dict[str, Any] = {"random_center": bool, "random_size": bool}
ROTATE: dict[str, Any] = {
    **{f"range_{axis}": Numbers for axis in "xyz"},
    "prob": float,
    "keep_size": bool,
    "mode": Grid,
    "padding_mode": Beyond,
    "align_corners": bool,
}
SMOOTH: dict[str, Any] = {
    **{f"sigma_{axis}": Pair for axis in "xyz"},
    "prob": float,
    "approx": Kernel,
}
SHARPEN: dict[str, Any] = {
    **{f"sigma1_{axis}": Pair for axis in "xyz"},
    **{f"sigma2_{axis}": Numbers for axis in "xyz"},
    "alpha": Pair,
    "approx": Kernel,
    "prob": float,
}
BETWEEN: dict[str, Any] = {"b_min": float, "b_max": float, "clip": bool}

TRANSFORMS: dict[str, dict[str, Any]] = {
    "Rand2DElastic": {**AFFINE, "spacing": Numbers, "magnitude_range": Pair},
    "Rand3DElastic": {**AFFINE, "sigma_range": Pair, "magnitude_range": Pair},
    "RandAffine": AFFINE,
    "RandAxisFlip": {"prob": float},
    "RandFlip": {"prob": float, "spatial_axis": Sizes},
    "RandGridDistortion": {
        "num_cells": Sizes,
        "prob": float,
        "distort_limit": Numbers,
        "mode": Grid,
        "padding_mode": Beyond,
    },
    "RandRotate": ROTATE,
    "RandRotate90": {"prob": float, "max_k": int, "spatial_axes": tuple[int, int]},
    "RandScaleCrop": {**CROP, "roi_scale": Numbers, "max_roi_scale": Numbers},
    "RandSpatialCrop": {**CROP, "roi_size": Sizes, "max_roi_size": Sizes},
    "RandZoom": {
        "prob": float,
        "min_zoom": Numbers,
        "max_zoom": Numbers,
        "mode": Resize,
        "padding_mode": Edges,
        "align_corners": bool,
        "keep_size": bool,
    },
    "RandAdjustContrast": {
        "prob": float,
        "gamma": Numbers,
        "invert_image": bool,
        "retain_stats": bool,
    },
    "RandBiasField": {"degree": int, "coeff_range": Pair, "prob": float},
    "RandCoarseDropout": {**BLOCKS, "dropout_holes": bool, "fill_value": Numbers},
    "RandCoarseShuffle": BLOCKS,
    "RandGaussianNoise": {"prob": float, "mean": float, "std": float, "sample_std": bool},
    "RandGaussianSharpen": SHARPEN,
    "RandGaussianSmooth": SMOOTH,
    "RandGibbsNoise": {"prob": float, "alpha": Numbers},
    "RandHistogramShift": {"num_control_points": int | tuple[int, int], "prob": float},
    "RandIntensityRemap": {
        "prob": float,
        "kernel_size": int,
        "slope": float,
        "channel_wise": bool,
    },
    "RandKSpaceSpikeNoise": {
        "prob": float,
        "intensity_range": tuple[float | tuple[float, float], ...],
        "channel_wise": bool,
    },
    "RandRicianNoise": {
        "prob": float,
        "mean": Numbers,
        "std": Numbers,
        "channel_wise": bool,
        "relative": bool,
        "sample_std": bool,
    },
    "RandScaleIntensity": {"factors": Numbers, "prob": float, "channel_wise": bool},
    "RandScaleIntensityFixedMean": {
        "prob": float,
        "factors": Numbers,
        "fixed_mean": bool,
        "preserve_range": bool,
        "channel_wise": bool,
    },
    "RandShiftIntensity": {
        "offsets": Numbers,
        "safe": bool,
        "prob": float,
        "channel_wise": bool,
    },
    "RandSimulateLowResolution": {
        "prob": float,
        "downsample_mode": Resize,
        "upsample_mode": Resize,
        "zoom_range": Pair,
        "align_corners": bool,
    },
    "RandSmoothFieldAdjustContrast": FIELD,
    "RandSmoothFieldAdjustIntensity": FIELD,
    "RandStdShiftIntensity": {
        "factors": Numbers,
        "prob": float,
        "nonzero": bool,
        "channel_wise": bool,
    },
    "AdjustContrast": {"gamma": float, "invert_image": bool, "retain_stats": bool},
    "CenterSpatialCrop": {"roi_size": Sizes},
    "GaussianSharpen": {
        "sigma1": Numbers,
        "sigma2": Numbers,
        "alpha": float,
        "approx": Kernel,
    },
    "GaussianSmooth": {"sigma": Numbers, "approx": Kernel},
    "HistogramNormalize": {"num_bins": int, "min": Number, "max": Number},
    "MedianSmooth": {"radius": Sizes},
    "NormalizeIntensity": {
        "subtrahend": Numbers,
        "divisor": Numbers,
        "nonzero": bool,
        "channel_wise": bool,
    },
    "ScaleIntensity": {"minv": float, "maxv": float, "factor": float, "channel_wise": bool},
    "ScaleIntensityRange": {**BETWEEN, "a_min": float, "a_max": float},
    "ScaleIntensityRangePercentiles": {
        **BETWEEN,
        "lower": float,
        "upper": float,
        "relative": bool,
        "channel_wise": bool,
    },
}

MOVING = frozenset(
    {
        *("Rand2DElastic", "Rand3DElastic", "RandAffine", "RandAxisFlip", "RandFlip"),
        *("RandGridDistortion", "RandRotate", "RandRotate90", "RandScaleCrop", "RandSpatialCrop"),
        *("RandZoom", "CenterSpatialCrop"),
    }
)
"""Those that move what a volume shows, so that a mask has to move with it."""
