"""An encoder on disk: weights as safetensors, everything else as JSON, and a model card.

The folder holds `model.safetensors`, `config.json` and `README.md`. No code runs from it: the
classes come from the installed plugin, by their names in the manifest.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, Literal, get_args

import safetensors.torch
import torch
from safetensors import SafetensorError

from unlabeled import discovery
from unlabeled.atomic import new_folder, write_json, write_text
from unlabeled.commands import command
from unlabeled.contract import Encoder, Output, Pretext, Reader
from unlabeled.errors import RunError
from unlabeled.export.card import model_card
from unlabeled.finite import not_finite, some
from unlabeled.formats import require_format
from unlabeled.recipe import Choice, build_encoder, build_reader, read_choice
from unlabeled.run_folder import RunFolder
from unlabeled.weights import save_weights

Kind = Literal["representation", "restoration"]
FORMAT = 1
"""The version of `config.json`."""

OF_CHECKPOINTS = "checkpoint_encoders"
"""The folder of a run with the encoders of checkpoints (see `export.checkpointed`)."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of an encoder.

    of_steps: all steps of the run if the encoder is from a checkpoint, else 0; batch_size: of
    training, which fits into memory; fingerprint: of the training items; labelled: items that had
    labels in training, {} if none (see `unlabeled.labelled`); batch_norm_of: fingerprint of the
    items of its batch-norm statistics, after `unlabeled update-batch-norm`, else empty;
    started_from: the encoder whose weights training started from, with its recipe, pretext, steps,
    fingerprint and digest.
    """

    recipe: str
    pretext: str
    kind: Kind = "representation"
    seed: int = 0
    steps: int = 0
    of_steps: int = 0
    batch_size: int = 64
    items: int = 0
    fingerprint: str = ""
    labelled: Mapping[str, Any] = field(default_factory=dict)
    batch_norm_of: str = ""
    started_from: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unfinished(self) -> str:
        """A sentence about the encoder of a checkpoint; empty for a finished run."""
        if not self.of_steps:
            return ""
        return (
            f"the run has not finished; this is its encoder after step {self.steps} of "
            f"{self.of_steps}, with batch-norm statistics, if it has any, as training left them"
        )


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The content of `config.json`, from which encoder and reader are built.

    preprocessing: how input must look, with units; versions: by distribution.
    """

    encoder: Choice
    reader: Choice
    outputs: tuple[Output, ...]
    preprocessing: Mapping[str, Any]
    provenance: Provenance
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "encoder": self.encoder.to_dict(),
            "reader": self.reader.to_dict(),
            "outputs": [asdict(output) for output in self.outputs],
            "preprocessing": dict(self.preprocessing),
            "provenance": asdict(self.provenance),
            "versions": dict(self.versions),
        }


def save_encoder(
    encoder: Encoder,
    *,
    encoder_name: str,
    reader: Choice,
    folder: Path,
    provenance: Provenance,
) -> EncoderConfig:
    """Write an encoder so that `load_encoder` gives the same embeddings. All or nothing.

    encoder_name: as recipes name it (`audio/logmel_vit`); reader: the recipe's. Raises RunError if
    a weight or a statistic is not finite.
    """
    if names := not_finite(encoder):
        raise RunError(
            f"{folder}: not written, as the encoder's {some(names)} are not finite. Where they are "
            "running statistics, an item holds NaN, infinite or huge values."
        )
    config = EncoderConfig(
        encoder=Choice("encoders", encoder_name, encoder.settings),
        reader=reader,
        outputs=tuple(encoder.outputs),
        preprocessing=dict(encoder.preprocessing()),
        provenance=provenance,
        versions=_versions(type(encoder)),
    )
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    with new_folder(folder) as partial:
        save_weights(encoder.state_dict(), partial / "model.safetensors")
        write_json(partial / "config.json", config.to_dict())
        write_text(partial / "README.md", model_card(config.to_dict(), parameters))
    return config


def load_encoder(path: Path | str) -> Encoder:
    """The encoder of a run, in eval mode, on the CPU.

    path: a run folder or its `encoder` folder. Needs only the core and the encoder's plugin. Raises
    RunError, and PluginError if the plugin is missing.
    """
    weights = encoder_folder(path) / "model.safetensors"
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, then overwritten
        encoder = build_encoder(read_config(path).encoder)
    try:
        encoder.load_state_dict(safetensors.torch.load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunError(
            f"{weights}: expected the weights of the encoder in config.json, found: {error}. "
            "Export the run again."
        ) from error
    return encoder.eval()


def load_reader(path: Path | str) -> Reader:
    """The reader that a run's encoder was trained with. Raises as `load_encoder` does."""
    return build_reader(read_config(path).reader)


def read_config(path: Path | str) -> EncoderConfig:
    """The description of an exported encoder.

    Raises RunError; RecipeError if the installed plugin no longer accepts its settings;
    PluginError if the plugin is missing.
    """
    file = encoder_folder(path) / "config.json"
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        again = "Train again, or use the version of unlabeled that the file names"
        require_format(fields["format"], FORMAT, file, RunError, again)
        return EncoderConfig(
            encoder=read_choice("encoders", fields["encoder"], str(file)),
            reader=read_choice("readers", fields["reader"], str(file)),
            outputs=tuple(Output(**output) for output in fields["outputs"]),
            preprocessing=fields["preprocessing"],
            provenance=_provenance(fields["provenance"]),
            versions=fields["versions"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{file}: expected the description of an exported encoder, found "
            f"{type(error).__name__}: {error}. Export the run again."
        ) from error


def encoder_folder(path: Path | str) -> Path:
    """The folder with the encoder: `path` itself or `path/encoder`. Raises RunError."""
    path = Path(path)
    for folder in (path, path / "encoder"):
        if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file():
            return folder
    if (path / "recipe.yaml").is_file():
        raise RunError(
            f"{path}: the run has no encoder yet. {command('pretrain', '--resume', path)} ends it; "
            "embed and evaluate take that of its last checkpoint, where there is one."
        )
    found = "a folder without either" if path.is_dir() else "no such folder"
    raise RunError(
        f"{path}: expected a run, or an encoder folder with config.json and model.safetensors, "
        f"found {found}."
    )


def run_of(path: Path | str) -> RunFolder | None:
    """The run of an encoder; None if its folder was copied elsewhere."""
    parent = encoder_folder(path).parent
    run = RunFolder(parent.parent if parent.name == OF_CHECKPOINTS else parent)
    return run if run.holds_run() else None


def encoder_digest(path: Path | str, config: EncoderConfig) -> str:
    """A digest of an encoder: weights, settings, and how its input is read."""
    digest = hashlib.sha256((encoder_folder(path) / "model.safetensors").read_bytes())
    digest.update(json.dumps([config.encoder.to_dict(), config.reader.to_dict()]).encode())
    return digest.hexdigest()


def require_representation(config: EncoderConfig, path: Path | str) -> None:
    """Raises RunError, naming the right command, if the run restores instead of embedding."""
    if config.provenance.kind == "restoration":
        raise RunError(
            f"{path}: {config.provenance.pretext} restores its input and has no embedding. "
            f"Use: {command('restore', path, 'DATA', '--out', 'FOLDER')}"
        )


def require_restoration(config: EncoderConfig, path: Path | str) -> type[Pretext]:
    """The method that restores. Raises RunError, naming the right command, if the run embeds."""
    if config.provenance.kind == "representation":
        raise RunError(
            f"{path}: {config.provenance.pretext} embeds its input and restores nothing. "
            f"Use: {command('embed', path, 'DATA', '--out', 'embeddings.parquet')}"
        )
    pretext: type[Pretext] = discovery.load("pretexts", config.provenance.pretext)
    return pretext


def _provenance(fields: Mapping[str, Any]) -> Provenance:
    """Raises TypeError or ValueError for a value of another type, or no batch at all."""
    for known in dataclasses.fields(Provenance):
        kind = {"int": int, "Mapping[str, Any]": dict}.get(str(known.type), str)
        if type(value := fields.get(known.name, kind())) is not kind:
            raise TypeError(f"provenance.{known.name}: expected {kind.__name__}, found {value!r}")
    made = Provenance(**fields)
    names = [n for key in ("groups", "contents") for n in made.labelled.get(key, [])]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("provenance.labelled: expected names of groups and hashes of contents")
    if made.batch_size < 1 or made.kind not in get_args(Kind):
        raise ValueError(f"provenance: batch_size {made.batch_size}, kind {made.kind!r}")
    return made


def _versions(encoder: type[Encoder]) -> dict[str, str]:
    package = encoder.__module__.partition(".")[0]
    names = ("unlabeled", *packages_distributions().get(package, []), "numpy", "safetensors")
    versions = {name: version(name) for name in names}
    return {"python": platform.python_version(), **versions, "torch": str(torch.__version__)}
