"""The model card of an exported encoder: origin, how to load it, input and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

CARD = """# {encoder}, pretrained with {pretext}

{parameters:,} parameters, trained without labels by `unlabeled pretrain {recipe}`: {steps} steps,
seed {seed}, {items:,} items{fingerprint}.{started}{adapted}

## Load
```python
import torch
from unlabeled.export.encoder import load_encoder, load_reader

encoder, reader = load_encoder("PATH"), load_reader("PATH")
items = reader.index(DATA)
with torch.no_grad():
    embedding = encoder(encoder.collate([reader.read(items[0])]))
```
Or for a whole folder: `unlabeled {command}`.

## Input
Read by:
```json
{reader}
```
What the encoder expects of it:
```json
{preprocessing}
```

## Outputs
| name | kind | width |
|---|---|---|
{outputs}

The first is the default.

## Limits
An encoder has learned only from its training data. {limits}

## Made with
{versions}
"""


COMMANDS = {
    "representation": "embed PATH DATA --out embeddings.parquet",
    "restoration": "restore PATH DATA --out restored",
}
LIMITS = {
    "representation": """Judge it on your own labels before relying on it,
beside random encoders and simple features: `unlabeled evaluate PATH DATA --labels labels.csv`.""",
    "restoration": """Judge what it restores beside a classical filter
before relying on it: a network can also invent what is not there.""",
}


def model_card(config: Mapping[str, Any], parameters: int) -> str:
    """The README.md beside the weights, in Markdown. config: what `config.json` holds."""
    origin = config["provenance"]
    print_of_data = (
        f" (fingerprint `{origin['fingerprint'][:12]}`)" if origin["fingerprint"] else ""
    )
    adapted = (
        f" Its batch-norm statistics are those of other items (`{origin['batch_norm_of'][:12]}`)."
        if origin["batch_norm_of"]
        else ""
    )
    start = origin["started_from"]
    started = (
        f" It started from the encoder `{start['digest'][:12]}` of {start['recipe']} "
        f"({start['steps']:,} steps)."
        if start
        else ""
    )
    return CARD.format(
        adapted=adapted,
        started=started,
        **origin | {"fingerprint": print_of_data, "steps": _steps(origin)},
        command=COMMANDS[origin["kind"]],
        limits=LIMITS[origin["kind"]],
        encoder=config["encoder"]["name"],
        parameters=parameters,
        reader=json.dumps(config["reader"], indent=2),
        preprocessing=json.dumps(config["preprocessing"], indent=2),
        outputs="\n".join(
            f"| {o['name']} | {o['kind']} | {o['width']} |" for o in config["outputs"]
        ),
        versions=", ".join(f"{name} {number}" for name, number in config["versions"].items()),
    )


def _steps(origin: Mapping[str, Any]) -> str:
    """ "400", or "120 of 400" of a run that had not finished."""
    of = f" of {origin['of_steps']:,}" if origin.get("of_steps") else ""
    return f"{origin['steps']:,}{of}"
