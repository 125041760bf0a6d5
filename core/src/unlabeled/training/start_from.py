"""Start from the encoder of another run, under any method: its weights and input statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unlabeled.contract import Encoder
from unlabeled.errors import RunError
from unlabeled.export.encoder import encoder_digest, encoder_folder, load_encoder, read_config
from unlabeled.recipe import Choice
from unlabeled.training.environment import differences


@dataclass(frozen=True, slots=True)
class Start:
    """The encoder that a run starts from. path: of its folder; recipe, pretext, steps: how it was
    trained; fingerprint: of the items it was trained on; digest: tells it from another one."""

    path: str
    recipe: str
    pretext: str
    steps: int
    fingerprint: str
    digest: str

    @classmethod
    def of(cls, run: Path | str) -> Start:
        """run: a run or its encoder folder. Raises RunError."""
        config = read_config(run)
        origin = config.provenance
        return cls(
            str(encoder_folder(run).resolve()),
            origin.recipe,
            origin.pretext,
            origin.steps,
            origin.fingerprint,
            encoder_digest(run, config),
        )

    @classmethod
    def recorded(cls, found: Mapping[str, Any]) -> Start | None:
        """As a manifest holds it."""
        return cls(**found) if found else None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def starting_weights(start: Start, wanted: Choice) -> Callable[[Encoder], None]:
    """A function that copies all weights and statistics into a new encoder.

    wanted: the recipe's encoder with the facts of the data. Raises RunError, naming the settings in
    which the other differs.
    """
    if Start.of(start.path).digest != start.digest:
        raise RunError(f"{start.path}: the encoder is not the one that this run started from.")
    there = read_config(start.path).encoder.to_dict()
    if changes := differences({"encoder": there}, {"encoder": wanted.to_dict()}):
        raise RunError(
            f"{start.path}: expected the encoder of the recipe, found another:\n  "
            + "\n  ".join(changes)
            + "\nGive the recipe the same settings, or start from another run."
        )
    state = load_encoder(start.path).state_dict()

    def load(encoder: Encoder) -> None:
        encoder.load_state_dict(state)

    return load
