"""An encoder on disk: weights as safetensors, everything else as JSON, and a model card.

The folder holds `model.safetensors`, `config.json` and `README.md`. No code runs from it: the
classes come from the installed plugin, by their names in the manifest.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError

from unlabeled import discovery
from unlabeled.atomic import new_folder, write_json, write_text
from unlabeled.contract import Encoder, Output, Reader
from unlabeled.errors import PluginError, RunError
from unlabeled.export.card import model_card
from unlabeled.settings import Settings

FORMAT = 1
"""The version of `config.json`; a reader of a later version may know earlier ones."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an encoder comes from. fingerprint: of the items it was trained on."""

    recipe: str
    pretext: str
    kind: Literal["representation", "restoration"] = "representation"
    seed: int = 0
    steps: int = 0
    items: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """What `config.json` says: enough to build the encoder and the reader of its input.

    preprocessing: how input must look, with units; versions: by distribution.
    """

    encoder: str
    encoder_settings: Mapping[str, Any]
    reader: str
    reader_settings: Mapping[str, Any]
    outputs: tuple[Output, ...]
    preprocessing: Mapping[str, Any]
    versions: Mapping[str, str]
    provenance: Provenance

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> EncoderConfig:
        """The inverse of `to_dict`. Raises KeyError or TypeError where a field is missing."""
        known = {name: fields[name] for name in cls.__dataclass_fields__}
        outputs = tuple(Output(**output) for output in known.pop("outputs"))
        return cls(**{**known, "outputs": outputs, "provenance": Provenance(**known["provenance"])})


def save_encoder(
    encoder: Encoder,
    *,
    encoder_name: str,
    reader: Settings,
    reader_name: str,
    folder: Path,
    provenance: Provenance,
) -> EncoderConfig:
    """Write an encoder so that `load_encoder` gives the same embeddings. All or nothing.

    encoder_name, reader_name: as recipes name them (`audio/logmel_vit`).
    """
    config = EncoderConfig(
        encoder=encoder_name,
        encoder_settings=encoder.settings.model_dump(mode="json"),
        reader=reader_name,
        reader_settings=reader.model_dump(mode="json"),
        outputs=tuple(encoder.outputs),
        preprocessing=dict(encoder.preprocessing()),
        versions=_versions(type(encoder)),
        provenance=provenance,
    )
    # Clones, because safetensors refuses tensors that share memory (tied weights).
    weights = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in encoder.state_dict().items()
    }
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    with new_folder(folder) as partial:
        safetensors.torch.save_file(weights, partial / "model.safetensors")
        write_json(partial / "config.json", config.to_dict())
        write_text(partial / "README.md", model_card(config, parameters))
    return config


def load_encoder(path: Path | str) -> Encoder:
    """The encoder of a run, in eval mode, on the CPU.

    path: a run folder or its `encoder` folder. Needs the core and the plugin that brought the
    encoder, nothing else. Raises RunError, and PluginError if the plugin is missing.
    """
    folder = encoder_folder(path)
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, then overwritten
        encoder = build_encoder(read_config(folder))
    try:
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        encoder.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunError(
            f"{folder / 'model.safetensors'}: expected the weights of the encoder in config.json, "
            f"found: {error}. Export the run again."
        ) from error
    return encoder.eval()


def build_encoder(config: EncoderConfig) -> Encoder:
    """The encoder that `config` describes, freshly initialised from torch's global generator."""
    kind: type[Encoder] = discovery.load("encoders", config.encoder)
    return kind(_validated(kind.settings_type, config.encoder_settings, config.encoder))


def load_reader(path: Path | str) -> Reader:
    """The reader that a run's encoder was trained with. Raises as `load_encoder` does."""
    config = read_config(path)
    kind: type[Settings] = discovery.load("readers", config.reader)
    reader: Reader = _validated(kind, config.reader_settings, config.reader)  # type: ignore[assignment]
    return reader


def read_config(path: Path | str) -> EncoderConfig:
    """What an exported encoder says about itself. Raises RunError."""
    file = encoder_folder(path) / "config.json"
    try:
        fields = json.loads(file.read_text())
        found = fields["format"]
        if found != FORMAT:
            raise RunError(
                f"{file}: expected format {FORMAT}, found {found!r}. "
                "pip install --upgrade unlabeled, or export the run again."
            )
        return EncoderConfig.from_dict(fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
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
            f"{path}: the run has no encoder yet. unlabeled pretrain --resume {path} ends it."
        )
    found = "a folder without either" if path.is_dir() else "no such folder"
    raise RunError(
        f"{path}: expected a run, or an encoder folder with config.json and model.safetensors, "
        f"found {found}."
    )


def require_representation(config: EncoderConfig, path: Path | str) -> None:
    """Raises RunError, naming the right command, if the run restores instead of embedding."""
    if config.provenance.kind == "restoration":
        raise RunError(
            f"{path}: {config.provenance.pretext} restores its input and has no embedding. "
            f"Use: unlabeled apply {path} DATA --out FOLDER"
        )


def _validated(kind: type[Settings], settings: Mapping[str, Any], name: str) -> Settings:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PluginError(
            f"{name}: the installed plugin does not accept the setting {where!r} of this export "
            f"({first['msg']}). Install the versions that config.json lists."
        ) from error


def _versions(encoder: type[Encoder]) -> dict[str, str]:
    package = encoder.__module__.partition(".")[0]
    plugin = packages_distributions().get(package, [])
    versions = {name: version(name) for name in ("unlabeled", *plugin, "numpy", "safetensors")}
    return {"python": platform.python_version(), **versions, "torch": str(torch.__version__)}
