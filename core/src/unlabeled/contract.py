"""The contract between the core and a plugin, on one page.

Letters in shapes: N batch, L tokens, D width, M nodes, rank the number of grid axes.

A configurable component is a class with typed settings. Where the component owns no parameters
(reader, augmentation, features, evaluator) it *is* a `Settings` model with methods:

    class Gain(Settings):
        low_db: float = -6.0
        def __call__(self, sample, rng): ...

Where it owns parameters (encoder, objective, pretext) it is an `nn.Module` whose class attribute
`settings_type` names the model, and whose constructor takes an instance of it first.

What a component can do beside its kind's contract (`Remarks`, `BatchAugmentation`, `PatchEncoder`
…) it says by deriving from that small class; it is asked for by `isinstance`. They are no
protocols: since Python 3.12 `isinstance` looks a protocol's attributes up statically and does not
see the submodules of an `nn.Module`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from torch import Tensor, nn

from unlabeled.data.items import Item, Items
from unlabeled.randomness import Draw
from unlabeled.settings import Settings

Sample: TypeAlias = Any
"""One item as the reader returns it: the domain's own type. The core never looks inside."""

Batch: TypeAlias = Any
"""What `collate` returns: tensors, or dataclasses, tuples, mappings and objects with `.to`."""


class Reader(Protocol):
    """Finds the items below a path and reads one at a time. A `Settings` model.

    With the class attribute `private = True` (data about people) runs write pseudonyms in place of
    ids, groups and metadata, and no sources (see `unlabeled.privacy`); the class attribute `public`
    lists the metadata columns that name nobody and are written as they are.
    """

    def index(self, path: Path) -> Items:
        """List the items from headers only; files that cannot be used go to `quarantine`.

        Raises DataError if `path` does not exist or holds nothing that this reader knows.
        """

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Sample:
        """Read one item, with its units.

        rng is given while training: a reader of large sources draws its window from it and
        reads no more than that. Without it the item is read as a whole.
        Raises UnreadableItem.
        """

    def describe(self, items: Items) -> Mapping[str, Any]:
        """What encoders must know of the data (`sample_rate`, `node_features`, `bands` …).

        An encoder setting of the same name that is None is filled from here; one that is set
        to something else is a RecipeError.
        """


class Remarks(ABC):
    """A reader that can tell what a careful eye would notice in a sample; `inspect` counts it."""

    @abstractmethod
    def remarks(self, sample: Sample) -> Sequence[str]:
        """Short phrases, "clipped", "all zero", "no CRS"; nothing if all is well."""


class Measures(ABC):
    """A reader that can measure what it does not hand on, as the units of a file before they are
    standardised; `inspect` shows the ranges."""

    @abstractmethod
    def measure(self, item: Item) -> Mapping[str, float]:
        """Names and values of an item that could be read, the same names for all."""


class Suggests(ABC):
    """A reader that can tell which recipe suits the data it found; `inspect` shows it."""

    @abstractmethod
    def suggest(self, items: Items) -> tuple[str, str]:
        """The name of a recipe, with settings if need be, as `pretrain` takes them; and why."""


class NamesNodes(ABC):
    """A reader of graphs whose nodes have names, by which labels, embeddings and neighbours go."""

    @abstractmethod
    def node_names(self, item: Item) -> np.ndarray:
        """(K,) texts or whole numbers, each once: of the first K nodes of the sample. The others
        are context (sampled neighbours) and stand in no table. Raises UnreadableItem."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values a sample may hold; None is unbounded. unit: "full scale", "dB", "HU" …"""

    low: float | None = None
    high: float | None = None
    unit: str = ""


class Augmentation(Protocol):
    """Changes one sample. A `Settings` model; its class attributes declare what it promises."""

    keeps: ClassVar[str]
    """What stays the same, in words: "the class of the sound", "the number of nodes" …"""
    expects: ClassVar[Range]
    returns: ClassVar[Range]

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """A changed copy; `sample` is left as it was. All randomness comes from `rng`."""


class BatchAugmentation(ABC):
    """Changes samples by means of other samples of the joint batch (mixing, borrowing).
    A `Settings` model that derives from this class.

    The plan of a sample is drawn in the data worker; it is applied on the device, to the joint
    batch of all processes, so it depends neither on workers nor on ranks.
    """

    keeps: ClassVar[str]

    @abstractmethod
    def plan(self, rng: np.random.Generator) -> np.ndarray:
        """The random numbers for one sample: (K,) float64, K fixed."""

    @abstractmethod
    def apply(self, batch: Batch, plans: Tensor) -> Batch:
        """batch: this process's samples as the encoder collates them; plans: (N, K).

        Reaches the other processes with `unlabeled.distributed.gather_rows`.
        """


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that an encoder returns. width: the size of the last axis."""

    name: str
    kind: Literal["global", "tokens", "nodes"]
    width: int


@dataclass(slots=True)
class Tokens:
    """values: (N, L, D); valid: (N, L) bool, False is padding or absent; position: (N, L, rank)
    in physical units (s, mm, map units), or grid steps where there are none."""

    values: Tensor
    valid: Tensor
    position: Tensor


@dataclass(slots=True)
class Nodes:
    """values: (M, D); owner: (M,) index of the sample in the batch; id: (M,) within the sample."""

    values: Tensor
    owner: Tensor
    id: Tensor


Encoding: TypeAlias = Tensor | Tokens | Nodes


class Configured(nn.Module, ABC):
    """A module that is built from typed settings, `settings_type(...)`."""

    settings_type: ClassVar[type[Settings]]

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if cls.__module__ != __name__ and not hasattr(cls, "settings_type"):
            raise TypeError(
                f"{cls.__name__}: set the class attribute settings_type to its Settings"
            )


class Encoder(Configured):
    """Turns a batch into embeddings; what a run exports.

    In eval mode a sample's embedding depends neither on its neighbours nor on padding.
    """

    outputs: tuple[Output, ...]
    """Set by the constructor; the first is the default and feeds `forward`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Join samples into the batch that `encode` takes. Runs in data workers: no parameters."""

    @abstractmethod
    def encode(self, batch: Batch, output: str) -> Encoding:
        """`global`: (N, D); `tokens`: Tokens; `nodes`: Nodes. Raises ShapeError."""

    def forward(self, batch: Batch) -> Encoding:
        """The default output."""
        return self.encode(batch, self.outputs[0].name)

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Estimate fixed input statistics (into buffers) once, before a method is built around it.

        So copies that a method makes (teachers, second networks) start calibrated. `batches` may
        be iterated once. Default: nothing to estimate.
        """

    def preprocessing(self) -> Mapping[str, Any]:
        """How input must look, JSON-able, with units; written beside the exported weights."""
        return {}


class PatchEncoder(ABC):
    """What an encoder offers so that its input can be masked: `class AST(Encoder, PatchEncoder)`.

    Letters: N batch, L tokens of the whole grid (row-major), P values of one patch, K visible
    tokens, D width. A batch's grid is the largest of its samples' along each axis; samples are
    padded at the end.
    """

    token_width: int
    """D."""
    patch_values: int
    """P."""

    @abstractmethod
    def grid(self, sample: Sample) -> np.ndarray:
        """bool, of the shape of the sample's token grid, False where there are no data.

        Runs in data workers: no parameters.
        """

    @abstractmethod
    def patches(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The values to predict, (N, L, P), and which of them are data, (N, L, P) bool or None."""

    @abstractmethod
    def encode_visible(self, batch: Batch, visible: Tensor, source: Tensor | None = None) -> Tensor:
        """Run some tokens only. visible: (N, K) long, -1 is padding. Returns (N, K, D).

        source: (N, K) long, index of the token whose values are copied into each position, -1 for
        zeros; None copies nothing. For pretexts that corrupt what they show.
        """


class GradientCheckpointing:
    """A module that can recompute activations in the backward pass instead of keeping them."""

    gradient_checkpointing: bool = False
    """Set by the training loop, before the first step."""


@dataclass(slots=True)
class Loss:
    """total: () the value that is minimised, equal on all processes to that of the joint batch;
    parts: named terms () for the log."""

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(Configured):
    """A loss with the parameters and state it owns; never calls an encoder or sees a batch."""

    needs_teacher: ClassVar[bool] = False
    """Whether `forward` takes `teacher`: the teacher encoder's output through the teacher's
    copy of `projector`."""
    smallest_batch: ClassVar[int] = 2
    """The smallest joint batch for which the loss means something."""
    projector: nn.Module

    def __init__(self, settings: Settings, width: int) -> None:
        """width: the encoder's output width D, which `forward` expects."""
        super().__init__()
        self.settings = settings
        self.width = width

    @abstractmethod
    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: one (N, D) tensor per view, encoder outputs before the projector; teacher:
        the same after the teacher's projector; groups: (N,) ids, equal ids are no negatives.

        Raises ShapeError.
        """

    def after_step(self, step: int, total_steps: int) -> None:
        """Update what the objective owns (prototypes, centre), after each optimiser step."""


class Pretext(Configured):
    """A self-supervised method: what it shows, what it hides, what it asks for.

    `example` and `collate` run in data workers and touch no parameters; `forward` runs on the
    device. The constructor takes `(settings, encoder)`, then by keyword each recipe section that
    `uses` names: `views` (a `Views`), `objective` (an `Objective` built for the encoder).

    kind: whether the encoder is for `unlabeled embed`, or (a restoration, such as despeckling) for
    `unlabeled apply`, which then calls `restore`.
    """

    kind: ClassVar[Literal["representation", "restoration"]] = "representation"
    restores_to: ClassVar[str] = ""
    """The ending of the file that `restore` writes: ".tif", ".wav" …"""
    uses: ClassVar[tuple[Literal["views", "objective"], ...]] = ()

    def __init__(self, settings: Settings, encoder: Encoder) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder

    @property
    def exported(self) -> Encoder:
        """The encoder that a run hands over: embedded, evaluated, exported, watched for collapse.

        A method that hands over its teacher returns that one; it is of the class of `encoder`.
        """
        return self.encoder

    @property
    def smallest_batch(self) -> int:
        """The smallest joint batch that `forward` accepts."""
        return 1

    @abstractmethod
    def example(self, sample: Sample, draw: Draw) -> Any:
        """Views, masks and plans of one sample; all randomness from `draw.rng(purpose)`."""

    @abstractmethod
    def collate(self, examples: Sequence[Any]) -> Batch:
        """Join examples into the batch that `forward` takes."""

    @abstractmethod
    def forward(self, batch: Batch) -> Loss:
        """The loss of the joint batch over all processes (see `unlabeled.distributed`)."""

    def after_step(self, step: int, total_steps: int) -> None:
        """After each optimiser step: move the teacher, update what the objective owns."""

    @classmethod
    def restore(cls, encoder: Encoder, reader: Reader, item: Item, out: Path) -> None:
        """Write `item`, restored by the trained encoder (eval mode, any device), to the file `out`.

        Reads the item itself, whole or part by part. All or nothing (`unlabeled.atomic`); an
        interrupted call may be taken up where it stopped. Raises UnreadableItem.
        """
        raise NotImplementedError(f"{cls.__name__} is no restoration")


class Features(Protocol):
    """A simple hand-made description of a sample: the baseline an encoder is shown beside."""

    def __call__(self, sample: Sample) -> np.ndarray:
        """(D,) float, D the same for every sample; NaN where a value is undefined. Features of
        nodes, for labels of nodes: (M, D), a row per node; they are averaged for whole items."""


class Evaluator(Protocol):
    """A probe: fitted on frozen embeddings of training groups, scored on the others."""

    task: ClassVar[Literal["classification", "regression"]]
    """Which targets it takes: class numbers 0 … C - 1 (int64), or values (float64)."""

    @property
    def metric(self) -> str:
        """The name of what `score` measures: accuracy, r2, roc_auc …; higher is better."""

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,); groups: (N,), for inner validation; test: (M, D).

        Returns what `score` takes: (M,) values, or (M, C) scores with one column per class
        number, up to the largest in `target`. Hyper-parameters are chosen on `train` alone.
        """

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric of (M,) targets and predictions of `predict`."""
