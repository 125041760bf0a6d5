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
    """A self-supervised method: the views or masks of a sample, and the loss.

    `example` and `collate` run in data workers and touch no parameters; `forward` runs on the
    device. The constructor takes `(settings, encoder)`, then by keyword each recipe section that
    `uses` names: `views` (a `Views`), `objective` (an `Objective` built for the encoder). A method
    that uses `labels` learns from `draw.targets` if the recipe names a table of labels; its
    settings `classes` and `class_names`, if None, are filled with the number and names of the
    classes. A mask there is a `DenseTarget` on the grid of the sample; `View.targets` holds it as
    the steps of the view moved it.

    kind: whether the encoder is for `unlabeled embed`, or (a restoration, such as despeckling) for
    `unlabeled restore`, which then calls `restore`.
    """

    kind: ClassVar[Literal["representation", "restoration"]] = "representation"
    restores_to: ClassVar[str] = ""
    """The ending of the file that `restore` writes: ".tif", ".wav" …"""
    uses: ClassVar[tuple[Literal["views", "objective", "labels"], ...]] = ()
    learns_from: ClassVar[tuple[Literal["class", "classes", "value", "mask"], ...]] = (
        "class",
        "value",
    )
    """The targets that a method with labels can take: a class number, several classes of one item
    ((classes,) float32 of 0 and 1; all 0: none applies), a value, or a mask."""
    frozen: ClassVar[tuple[str, ...]] = ()
    """Names of submodules that never change on purpose (a reference model). Any other copy of the
    encoder that does not learn is a teacher and has to move."""

    def __init__(self, settings: Settings, encoder: Encoder) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder

    @property
    def exported(self) -> Encoder:
        """The encoder that a run hands over: embedded, evaluated, exported, watched for collapse.

        A method that hands over its teacher returns the teacher's encoder, of the same class as
        `encoder`.
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
        """After each optimiser step: move the teacher, update the state of the objective."""

    @classmethod
    def restore(cls, encoder: Encoder, reader: Reader, item: Item, out: Path) -> None:
        """Write `item`, restored by the trained encoder (eval mode, any device), to the file `out`.

        Reads the item itself, whole or part by part. Write all or nothing (`unlabeled.atomic`); a
        later call may resume an interrupted one. Raises UnreadableItem.
        """
        raise NotImplementedError(f"{cls.__name__} is no restoration")
