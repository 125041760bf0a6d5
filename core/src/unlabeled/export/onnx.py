"""An encoder as one ONNX file, checked against the original after writing.

What is not a tensor in a batch is fixed when the graph is traced, and some encoders choose their
path by the sizes they see. So the most general form that passes the check is written: any number
of items of any size, one item of any size, or one item of one size.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlabeled import discovery
from unlabeled.atomic import new_file
from unlabeled.contract import Batch, Encoder, Sample
from unlabeled.errors import DataError, RunError, UsageError
from unlabeled.export.encoder import (
    EncoderConfig,
    load_encoder,
    load_reader,
    read_config,
    require_representation,
)
from unlabeled.export.flatten import named, rebuild, tensors_in

TOLERANCE = 1e-4
"""The largest difference allowed, as a share of the largest value of the output."""

EXAMPLES = 5
"""Items that the graph is traced on and checked with."""


@dataclass(frozen=True, slots=True)
class Onnx:
    """What was written. sizes: which input it takes; inputs, outputs: names and shapes;
    difference: the largest seen, as a share of the largest value."""

    path: Path
    output: str
    sizes: str
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    difference: float

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class Form:
    """How general a graph is. items: traced on so many; free: whether sizes may change."""

    sizes: str
    items: int
    free: bool


FORMS = (
    Form("any number of items of any size", 2, True),
    Form("one item of any size", 1, True),
    Form("one item of one size", 1, False),
)


def export_onnx(
    path: Path | str, out: Path | str, *, data: Path | str | None = None, output: str | None = None
) -> Onnx:
    """Write the encoder of a run as ONNX, all or nothing.

    data: items to trace and check it with, the plugin's synthetic ones if None; output: the
    encoder's default if None. Needs the extra `onnx`.
    Raises UsageError without it, RunError if no form can be written or passes the check.
    """
    _require_extra()
    config = read_config(path)
    require_representation(config, path)
    names = [each.name for each in config.outputs]
    if output not in (None, *names):
        raise UsageError(f"the encoder has no output {output!r}. There are: {', '.join(names)}.")
    encoder, output = load_encoder(path), output or names[0]
    samples = _samples(path, config, data)
    problems = []
    for form in FORMS:
        try:
            return _write(encoder, output, samples, form, Path(out), config)
        except Exception as error:  # noqa: BLE001 - tracing fails in any way; all are shown below
            problems.append(f"  {form.sizes}: {_first_line(error)}")
    raise RunError(
        f"{path}: the encoder {config.encoder.name} cannot be written as ONNX.\n"
        + "\n".join(problems)
    )


class Traced(nn.Module):
    """An encoder whose input and output are plain tensors, as ONNX wants them."""

    def __init__(self, encoder: Encoder, output: str, example: Batch) -> None:
        super().__init__()
        self.encoder, self.output, self.example = encoder, output, example

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        batch = rebuild(self.example, iter(tensors))
        return tuple(named(self.encoder.encode(batch, self.output)).values())


def _write(
    encoder: Encoder,
    output: str,
    samples: Sequence[Sample],
    form: Form,
    out: Path,
    config: EncoderConfig,
) -> Onnx:
    example = encoder.collate(samples[: form.items])
    inputs = tensors_in(example)
    if not inputs:
        raise RunError(f"its batch, a {type(example).__name__}, holds no tensors that are known")
    with torch.no_grad():
        outputs = tuple(named(encoder.encode(example, output)))
    free = tuple(dict.fromkeys(range(t.ndim), torch.export.Dim.AUTO) for t in inputs.values())
    with _quietly():
        program = torch.onnx.export(
            Traced(encoder, output, example).eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=(free,) if form.free else None,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props["unlabeled"] = json.dumps(config.to_dict())
    with new_file(out) as partial:
        program.save(str(partial), external_data=False)
        difference, shapes = _check(partial, encoder, output, _trials(encoder, samples, form))
    return Onnx(out, output, form.sizes, shapes, outputs, difference)


def _trials(encoder: Encoder, samples: Sequence[Sample], form: Form) -> list[Batch]:
    """Batches that the graph was not traced on, of other sizes where it promises to take them."""
    example = encoder.collate(samples[: form.items])
    if not form.free:
        generator = torch.Generator().manual_seed(0)
        noisy = [
            t + 0.1 * torch.randn(t.shape, generator=generator) if t.is_floating_point() else t
            for t in tensors_in(example).values()
        ]
        return [example, rebuild(example, iter(noisy))]
    if form.items > 1:
        return [example, encoder.collate(samples[1:]), encoder.collate(samples[:3])]
    return [encoder.collate([sample]) for sample in samples]


def _check(
    file: Path, encoder: Encoder, output: str, trials: Sequence[Batch]
) -> tuple[float, dict[str, str]]:
    """The largest relative difference, and the input shapes. Raises RunError above TOLERANCE."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 4
    session = InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    wanted = [each.name for each in session.get_inputs()]
    worst = 0.0
    for batch in trials:
        given = {name: t.numpy() for name, t in tensors_in(batch).items() if name in wanted}
        with torch.no_grad():
            expected = named(encoder.encode(batch, output)).values()
        for ours, theirs in zip(expected, session.run(None, given), strict=True):
            worst = max(worst, _difference(ours.numpy(), theirs))
    if not worst <= TOLERANCE:
        raise RunError(f"written, but wrong by {worst:.2g} of the largest value; removed")
    return worst, {each.name: str(tuple(each.shape)) for each in session.get_inputs()}


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        raise RunError(f"written, but returns {theirs.shape} in place of {ours.shape}; removed")
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    scale = max(float(np.abs(ours).max(initial=0)), 1e-12)
    return float(np.abs(ours - theirs).max(initial=0)) / scale


def _samples(path: Path | str, config: EncoderConfig, data: Path | str | None) -> list[Sample]:
    reader = load_reader(path)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(data) if data else _synthetic(config.reader.name, Path(scratch))
        items = reader.index(folder)
        samples = [reader.read(items[row]) for row in range(min(EXAMPLES, len(items)))]
    if len(samples) < EXAMPLES - 1:
        raise DataError(f"{folder}: ONNX export needs {EXAMPLES - 1} items, found {len(samples)}")
    return samples


def _synthetic(reader: str, folder: Path) -> Path:
    modality, _, name = reader.rpartition("/")
    plugin = discovery.usable(modality).plugin
    if plugin is None or name not in plugin.synthetic:
        raise UsageError(f"{reader}: the plugin has no synthetic data for it; give data to try on")
    discovery.resolve(plugin.synthetic[name].target)(folder, count=EXAMPLES, seed=0)
    return folder


def _require_extra() -> None:
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]
    if missing:
        raise UsageError(f'ONNX export needs {", ".join(missing)}: pip install "unlabeled[onnx]"')


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter reports its own steps at length; what matters is checked afterwards."""
    before, unread = logging.root.manager.disable, io.StringIO()
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(unread), redirect_stderr(unread):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _first_line(error: Exception) -> str:
    """Of the first cause, which says more than what was wrapped around it."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0][:200]
