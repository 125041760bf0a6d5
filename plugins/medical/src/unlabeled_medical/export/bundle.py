"""The encoder of a run as a MONAI bundle, which `monai.bundle` runs.

    bundle/configs/metadata.json    versions, what goes in and what comes out
    bundle/configs/inference.json   how: read, preprocess, encode, write embeddings.csv
    bundle/models/model.pt          the weights, a plain state dict
    bundle/docs/README.md           the model card

The bundle reads images as the run did and needs this package wherever it runs. Source: MONAI
Bundle Specification, https://docs.monai.io/en/stable/bundle.html.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from unlabeled.atomic import new_folder, write_json
from unlabeled.contract import Encoder
from unlabeled.errors import RunError, ShapeError, UsageError
from unlabeled.export.encoder import EncoderConfig, encoder_folder, load_encoder, read_config
from unlabeled.inference.encoding import choose_output
from unlabeled.recipe import build_encoder, read_choice
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import VolumeBatch

if TYPE_CHECKING:
    from monai.data.meta_tensor import MetaTensor

HERE = "unlabeled_medical.export.bundle"


def export_bundle(run: Path | str, out: Path | str, output: str | None = None) -> Path:
    """Write the encoder of a run as a bundle into the new folder `out`; all or nothing.

    output: which of its vectors per image; the default one if None. Raises RunError (also where a
    setting's text would be an expression in MONAI's configuration), UsageError.
    """
    config = read_config(run)
    chosen = choose_output(config.outputs, output)
    if chosen.kind != "global":
        raise UsageError(
            f"output: expected one vector per image, {chosen.name} gives {chosen.kind}"
        )
    _require_plain([config.encoder.to_dict(), config.reader.to_dict(), chosen.name], run)
    network = EncoderNetwork(config.encoder.to_dict(), chosen.name)
    network.encoder.load_state_dict(load_encoder(run).state_dict())
    with new_folder(Path(out)) as partial:
        for folder in ("configs", "models", "docs"):
            (partial / folder).mkdir()
        write_json(partial / "configs" / "metadata.json", _metadata(config, chosen.width))
        write_json(partial / "configs" / "inference.json", _inference(config, chosen.name))
        torch.save(network.state_dict(), partial / "models" / "model.pt")
        shutil.copyfile(encoder_folder(run) / "README.md", partial / "docs" / "README.md")
    return Path(out)


def _require_plain(value: Any, run: Path | str) -> None:
    """Raises RunError for what MONAI would evaluate, include or build: a run must bring no code."""
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        raise RunError(f"{run}: the setting {value!r} would be an expression in a MONAI bundle.")
    if isinstance(value, Mapping):
        for key, each in value.items():
            _require_plain(each, run)
            if str(key).startswith("_"):
                raise RunError(f"{run}: the key {key!r} has a meaning in a MONAI bundle.")
    if isinstance(value, list | tuple):
        for each in value:
            _require_plain(each, run)


class EncoderNetwork(nn.Module):
    """An encoder as MONAI calls networks: (N, C, *S) to (N, D)."""

    def __init__(self, encoder: Mapping[str, Any], output: str) -> None:
        """encoder: its section of a recipe, with nothing left open. Raises RecipeError."""
        super().__init__()
        self.encoder: Encoder = build_encoder(read_choice("encoders", dict(encoder), "bundle"))
        self.output = output

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C, *S), preprocessed images with all sequences there. Raises ShapeError."""
        settings: Any = self.encoder.settings
        if x.ndim != settings.rank + 2 or x.shape[1] != settings.channels:
            expected = f"(N, {settings.channels}) and {settings.rank} axes"
            raise ShapeError(f"expected images of shape {expected}, found {tuple(x.shape)}")
        x = torch.as_tensor(x).as_subclass(Tensor)  # a MetaTensor would drag its affine along
        batch = VolumeBatch(
            x,
            torch.ones(len(x), *x.shape[2:], dtype=torch.bool, device=x.device),
            torch.ones(x.shape[:2], dtype=torch.bool, device=x.device),
            torch.eye(4, settings.rank + 1, dtype=torch.float64, device=x.device).repeat(
                len(x), 1, 1
            ),
        )
        vectors: Tensor = self.encoder.encode(batch, self.output)  # type: ignore[assignment]
        return vectors


class ReadImage:
    """A transform for arrays: from a path to what the encoder was trained on."""

    def __init__(self, reader: Mapping[str, Any]) -> None:
        """reader: its section of a recipe."""
        self.reader = Volumes.model_validate({k: v for k, v in reader.items() if k != "name"})

    def __call__(self, path: Path | str) -> MetaTensor:
        """(C, *S), with its affine. Raises DataError, UnreadableItem or UsageError."""
        from monai.data.meta_tensor import MetaTensor

        items = self.reader.index(Path(path))
        if len(items) != 1:
            raise UsageError(f"{path}: expected one image, found {len(items)}")
        volume = self.reader.read(items[0])
        square = np.eye(4)
        square[:, [*range(len(volume.size)), 3]] = volume.affine
        return MetaTensor(volume.values, torch.from_numpy(square))


def write_embeddings(
    network: nn.Module, images: Iterable[Tensor], names: Iterable[str], path: Path | str
) -> None:
    """Encode one image (C, *S) after the other, of whatever size, into a CSV: image, 0, 1, …, D -
    1."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    network.eval()
    device = next(network.parameters()).device
    with path.open("w", newline="") as file, torch.inference_mode():
        writer = csv.writer(file)
        for number, (name, image) in enumerate(zip(names, images, strict=True)):
            vector = network(image.unsqueeze(0).to(device))[0].tolist()
            if number == 0:
                writer.writerow(["image", *range(len(vector))])
            writer.writerow([name, *vector])


def _metadata(config: EncoderConfig, width: int) -> dict[str, Any]:
    settings: Any = config.encoder.settings
    return {
        "version": "0.1.0",
        "changelog": {"0.1.0": f"pretrained for {config.provenance.steps} steps"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch"),
        "numpy_version": version("numpy"),
        "required_packages_version": {"unlabeled-medical": version("unlabeled-medical")},
        "task": "Embedding of medical images, self-supervised",
        "description": f"An encoder pretrained without labels: {config.provenance.recipe}",
        "authors": "",
        "copyright": "",
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "magnitude",
                    "num_channels": settings.channels,
                    "spatial_shape": ["*"] * settings.rank,
                    "dtype": "float32",
                    "value_range": [],
                    "is_patch_data": False,
                    "channel_def": {str(n): f"channel {n}" for n in range(settings.channels)},
                }
            },
            "outputs": {
                "pred": {
                    "type": "embedding",
                    "format": "vector",
                    "num_channels": width,
                    "spatial_shape": [],
                    "dtype": "float32",
                    "value_range": [],
                    "is_patch_data": False,
                    "channel_def": {},
                }
            },
        },
    }


def _inference(config: EncoderConfig, output: str) -> dict[str, Any]:
    return {
        "imports": ["$from pathlib import Path", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/data'",
        "output_dir": "$@bundle_root + '/eval'",
        "images": "$sorted(str(p) for p in Path(@dataset_dir).rglob('*') if p.is_file())",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "network_def": {
            "_target_": f"{HERE}.EncoderNetwork",
            "encoder": config.encoder.to_dict(),
            "output": output,
        },
        "network": "$@network_def.to(@device)",
        "weights": "$torch.load(@bundle_root + '/models/model.pt', @device, weights_only=True)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": f"{HERE}.ReadImage", "reader": config.reader.to_dict()}],
        },
        "dataset": {"_target_": "Dataset", "data": "@images", "transform": "@preprocessing"},
        "write": {
            "_target_": f"{HERE}.write_embeddings",
            "_mode_": "callable",
            "network": "@network",
            "images": "@dataset",
            "names": "@images",
            "path": "$@output_dir + '/embeddings.csv'",
        },
        "initialize": ["$@network.load_state_dict(@weights)"],
        "run": ["$@write()"],
    }
