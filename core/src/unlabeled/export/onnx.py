"""An encoder as one ONNX file, checked against the original after writing.

Values of a batch that are not tensors are fixed when the graph is traced, and some encoders branch
on sizes. The most general form that passes the check is therefore written; the result names it, the
shapes of the check, and why more general forms failed.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

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
from unlabeled.export.flatten import named, tensors_in, unflatten

TOLERANCE = 1e-3
"""The largest difference allowed, as a share of the largest value of the output. The logarithm of
a nearly silent frequency band turns the rounding of a Fourier transform into some 1e-4."""

EXAMPLES = 5
"""Items that the graph is traced on and checked with."""


@dataclass(frozen=True, slots=True)
class Onnx:
    """The written graph.

    sizes: the input that it takes; inputs, outputs: names and shapes; checked: shapes of the first
    input in the check; difference: the largest in the check, as a share of the largest value;
    refused: more general forms, and why they failed.
    """

    path: Path
    output: str
    sizes: str
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    checked: tuple[str, ...]
    difference: float
    refused: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class Form:
    """How general a graph is. items: traced on so many; free: which axes may change in length;
    mixed: whether items of one batch may differ in size."""

    sizes: str
    items: int
    free: Literal["all", "first", "none"]
    mixed: bool = False


FORMS = (
    Form("any number of items of any size", 2, "all", mixed=True),
    Form("any number of items, all of the same size", 2, "all"),
    Form("any number of items of one fixed size", 2, "first"),
    Form("one item of any size", 1, "all"),
    Form("one item of one fixed size", 1, "none"),
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
    refused: list[str] = []
    for form in FORMS:
        try:
            written = _write(encoder, output, samples, form, Path(out), config)
            return replace(written, refused=tuple(refused))
        except Exception as error:  # noqa: BLE001 - tracing fails in any way; all are shown below
            refused.append(f"{form.sizes}: {_first_line(error)}")
    raise RunError(
        f"{path}: the encoder {config.encoder.name} cannot be written as ONNX.\n  "
        + "\n  ".join(refused)
    )


class Traced(nn.Module):
    """An encoder whose input and output are plain tensors, as ONNX wants them."""

    def __init__(self, encoder: Encoder, output: str, example: Batch) -> None:
        super().__init__()
        self.encoder, self.output, self.example = encoder, output, example

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        batch = unflatten(self.example, iter(tensors))
        return tuple(named(self.encoder.encode(batch, self.output)).values())


def _write(
    encoder: Encoder,
    output: str,
    samples: Sequence[Sample],
    form: Form,
    out: Path,
    config: EncoderConfig,
) -> Onnx:
    trials = _trials(encoder, samples, form)
    inputs = tensors_in(trials[0])
    if not inputs:
        raise RunError(f"its batch, a {type(trials[0]).__name__}, holds no tensors that are known")
    with torch.no_grad():
        outputs = tuple(named(encoder.encode(trials[0], output)))
    program = _traced(encoder, output, trials[0], form, list(outputs))
    program.model.metadata_props["unlabeled"] = json.dumps(config.to_dict())
    with new_file(out) as partial:
        program.save(str(partial), external_data=False)
        difference, shapes = _check(partial, encoder, output, trials)
    shapes = {name: _with_bounds(shape, program) for name, shape in shapes.items()}
    seen = [tuple(next(iter(tensors_in(batch).values())).shape) for batch in trials]
    one_size = form.free == "all" and len({shape[1:] for shape in seen}) == 1 < len(seen[0])
    sizes = form.sizes + (", though one size alone was checked" if one_size else "")
    checked = tuple(dict.fromkeys(map(str, seen)))
    return Onnx(out, output, sizes, shapes, outputs, checked, difference)


def _traced(
    encoder: Encoder, output: str, example: Batch, form: Form, outputs: list[str]
) -> torch.onnx.ONNXProgram:
    """The graph of `encode` on `example`, axes of free length where the form says so."""
    inputs = tensors_in(example)
    free = tuple(
        dict.fromkeys(_free_axes(tensor, form), torch.export.Dim.AUTO) for tensor in inputs.values()
    )
    with _quietly(), torch.no_grad():
        exported = torch.export.export(
            Traced(encoder, output, example).eval(),
            tuple(inputs.values()),
            dynamic_shapes=(free,),
            strict=False,
            # Otherwise coincidences among the example's sizes become conditions of the graph.
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        program = torch.onnx.export(
            exported, input_names=list(inputs), output_names=outputs, dynamo=True, verbose=False
        )
    assert program is not None
    _rename_inner(program, outputs)
    return program


def _rename_inner(program: torch.onnx.ONNXProgram, outputs: Sequence[str]) -> None:
    """Inner values are called after their operators, as an output is: `embedding`."""
    graph = program.model.graph
    for value in (value for node in graph for value in node.outputs):
        if value.name in outputs and value not in graph.outputs:
            value.name = f"{value.name}_inner"


def _with_bounds(shape: str, program: torch.onnx.ONNXProgram) -> str:
    """A shape such as "(s1, 1, s2)" with the largest length that the encoder allowed an axis."""
    assert program.exported_program is not None
    for axis, allowed in program.exported_program.range_constraints.items():
        if getattr(allowed.upper, "is_Integer", False) and allowed.upper > allowed.lower:
            shape = shape.replace(f"'{axis}'", f"'{axis} <= {allowed.upper}'")
    return shape


def _free_axes(tensor: Tensor, form: Form) -> range:
    if form.free == "first":
        return range(1 if len(tensor) == form.items else 0)
    return range(tensor.ndim if form.free == "all" else 0)


def _trials(encoder: Encoder, samples: Sequence[Sample], form: Form) -> list[Batch]:
    """The batch to trace, then others, of other sizes and numbers where the form takes them."""
    if form.mixed:
        groups = [samples[:2], samples[1:], samples[:1], samples[2:4]]
        return [encoder.collate(group) for group in groups]
    chosen = samples[:1] if form.free != "all" else samples
    counts = (2, 1, 3) if form.items > 1 else (1, 1)
    return [
        _varied(encoder.collate([chosen[turn % len(chosen)]] * count), turn)
        for turn, count in enumerate(counts)
    ]


def _varied(batch: Batch, turn: int) -> Batch:
    """The batch with some noise on its numbers, so that no two of its items are equal."""
    generator = torch.Generator().manual_seed(turn)
    noisy = [
        t + 0.1 * torch.randn(t.shape, generator=generator) if t.is_floating_point() else t
        for t in tensors_in(batch).values()
    ]
    return unflatten(batch, iter(noisy))


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
    """The message of the first cause, which is more precise than its wrappers."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0][:200]
