"""The contract between the core and a plugin: one file per piece.

Letters in shapes: N batch, L tokens, D width, M nodes, rank the number of grid axes.

A configurable component is a class with typed settings. Where the component owns no parameters
(reader, augmentation, baseline, evaluator,
assessment) it *is* a `Settings` model with methods:

    class Gain(Settings):
        low_db: float = -6.0
        def __call__(self, sample, rng): ...

Where it owns parameters (encoder, objective, pretext) it is an `nn.Module` whose class attribute
`settings_type` names the model, and whose constructor takes an instance of it first.

A component declares what it can do beyond the contract of its kind (`ChecksData`, `PatchEncoder` …)
by deriving from a small class of `capabilities`.
"""

from __future__ import annotations

from unlabeled.contract.assessment import (
    Assessed,
    Assessment,
    Embedded,
    LabelledItems,
    Predicted,
    Score,
    Source,
    Subject,
)
from unlabeled.contract.augmentation import Augmentation, Range
from unlabeled.contract.baseline import Baseline
from unlabeled.contract.capabilities import (
    BatchAugmentation,
    ChecksData,
    DrawsPatches,
    Extends,
    FindsLabels,
    Glances,
    GradientCheckpointing,
    KeepsCopies,
    Measures,
    MovesSpace,
    NamesNodes,
    PatchEncoder,
    Previews,
    ReadsTargets,
    Rivals,
    ShowsWork,
    Suggests,
    TokenEncoder,
)
from unlabeled.contract.configured import Configured
from unlabeled.contract.encoder import Encoder, Encoding, Nodes, Output, Piece, Tokens
from unlabeled.contract.evaluator import Evaluator
from unlabeled.contract.objective import Loss, Objective
from unlabeled.contract.pretext import Pretext
from unlabeled.contract.preview import Preview, Work
from unlabeled.contract.reader import Reader
from unlabeled.contract.samples import Batch, Sample
from unlabeled.data.dense_target import DenseTarget

__all__ = [
    "Assessed",
    "Assessment",
    "Augmentation",
    "Baseline",
    "Batch",
    "BatchAugmentation",
    "ChecksData",
    "Configured",
    "DenseTarget",
    "DrawsPatches",
    "Embedded",
    "Encoder",
    "Encoding",
    "Evaluator",
    "Extends",
    "FindsLabels",
    "Glances",
    "GradientCheckpointing",
    "KeepsCopies",
    "LabelledItems",
    "Loss",
    "Measures",
    "MovesSpace",
    "NamesNodes",
    "Nodes",
    "Objective",
    "Output",
    "PatchEncoder",
    "Piece",
    "Predicted",
    "Pretext",
    "Preview",
    "Previews",
    "Range",
    "Reader",
    "ReadsTargets",
    "Rivals",
    "Sample",
    "Score",
    "ShowsWork",
    "Source",
    "Subject",
    "Suggests",
    "TokenEncoder",
    "Tokens",
    "Work",
]
