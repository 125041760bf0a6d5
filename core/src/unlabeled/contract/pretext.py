"""The pretext: a self-supervised method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from unlabeled.contract.configured import Configured
from unlabeled.contract.encoder import Encoder
from unlabeled.contract.objective import Loss
from unlabeled.contract.reader import Reader
from unlabeled.contract.samples import Batch, Sample
from unlabeled.data.items import Item
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class Pretext(Configured):
    """A self-supervised method: what it shows, what it hides, what it asks for.

    `example` and `collate` run in data workers and touch no parameters; `forward` runs on the
    device. The constructor takes `(settings, encoder)`, then by keyword each recipe section that
    `uses` names: `views` (a `Views`), `objective` (an `Objective` built for the encoder). One
    that uses `labels` learns from `draw.targets` where the recipe names a table of them; settings
    `classes` and `class_names` that are None are filled with their number and names.

    kind: whether the encoder is for `unlabeled embed`, or (a restoration, such as despeckling) for
    `unlabeled restore`, which then calls `restore`.
    """

    kind: ClassVar[Literal["representation", "restoration"]] = "representation"
    restores_to: ClassVar[str] = ""
    """The ending of the file that `restore` writes: ".tif", ".wav" …"""
    uses: ClassVar[tuple[Literal["views", "objective", "labels"], ...]] = ()
    learns_from: ClassVar[tuple[Literal["class", "classes", "value"], ...]] = ("class", "value")
    """Which targets a method with labels can take: a class number, several classes of one item
    ((classes,) float32 of 0 and 1; all 0 is none of them, and no target is unknown), a value."""
    frozen: ClassVar[tuple[str, ...]] = ()
    """Submodules that stay as they start on purpose (a reference model), by name. Any other copy of
    the encoder that does not learn is a teacher and has to move."""

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
