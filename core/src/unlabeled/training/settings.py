"""The `training:` section of a recipe. Imports nothing heavy: `--help` lists it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from unlabeled.settings import Settings


class AdamWSettings(Settings):
    """Loshchilov and Hutter 2019, arXiv:1711.05101."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(1e-3, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.05, ge=0, description="of weights; biases and norms have none")
    betas: tuple[float, float] = Field((0.9, 0.999), description="decay of the two moments")


class AdamSettings(Settings):
    """Kingma and Ba 2015, arXiv:1412.6980; the penalty is part of the gradient, of all parameters.

    For recipes of papers that were trained so; AdamW is the better default.
    """

    name: Literal["adam"]
    lr: float = Field(1e-3, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty of every parameter")
    betas: tuple[float, float] = Field((0.9, 0.999), description="decay of the two moments")


class SGDSettings(Settings):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: float = Field(0.1, gt=0, description="peak learning rate")
    weight_decay: float = Field(1e-4, ge=0, description="of weights; biases and norms have none")
    momentum: float = Field(0.9, ge=0, lt=1)


class LARSSettings(Settings):
    """You et al. 2017, arXiv:1708.03888, as Barlow Twins uses it."""

    name: Literal["lars"]
    lr: float = Field(0.2, gt=0, description="peak learning rate of weights")
    lr_biases: float = Field(0.0048, gt=0, description="peak learning rate of biases and norms")
    weight_decay: float = Field(1e-6, ge=0, description="of weights; biases and norms have none")
    momentum: float = Field(0.9, ge=0, lt=1)
    trust: float = Field(0.001, gt=0, description="trust coefficient eta")


class CosineSettings(Settings):
    """Linear warm-up, then half a cosine down to `final` of the peak."""

    name: Literal["cosine"] = "cosine"
    warm_up: float = Field(0.05, ge=0, lt=1, description="length, as a share of all steps")
    final: float = Field(0.0, ge=0, le=1, description="last rate, as a share of the peak")


class ConstantSettings(Settings):
    """Linear warm-up, then the peak rate."""

    name: Literal["constant"]
    warm_up: float = Field(0.0, ge=0, lt=1, description="length, as a share of all steps")


class InfiniteSettings(Settings):
    """Warm-up, cool-down, constant, final anneal: for continual pretraining.

    A run that continues another has neither warm-up nor cool-down.
    """

    name: Literal["infinite"]
    warm_up: float = Field(0.05, ge=0, lt=1, description="length, as a share of all steps")
    cool_down: float = Field(0.10, ge=0, lt=1, description="length, as a share of all steps")
    anneal: float = Field(0.20, ge=0, le=1, description="length, as a share of all steps")
    constant: float = Field(0.1, gt=0, le=1, description="constant rate, as a share of the peak")
    final: float = Field(0.01, gt=0, le=1, description="last rate, as a share of the peak")

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if self.final > self.constant:
            raise ValueError(f"final ({self.final}) is above constant ({self.constant})")
        return self


def _named(default: str) -> Discriminator:
    """Tells the members of a union apart by `name`, which may be left out for the default."""

    def name(value: Any) -> str:
        found = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
        return str(found or default)

    return Discriminator(name)


OptimiserSettings = Annotated[
    Annotated[AdamWSettings, Tag("adamw")]
    | Annotated[AdamSettings, Tag("adam")]
    | Annotated[SGDSettings, Tag("sgd")]
    | Annotated[LARSSettings, Tag("lars")],
    _named("adamw"),
]

ScheduleSettings = Annotated[
    Annotated[CosineSettings, Tag("cosine")]
    | Annotated[ConstantSettings, Tag("constant")]
    | Annotated[InfiniteSettings, Tag("infinite")],
    _named("cosine"),
]

Precision = Annotated[
    Literal["32", "64", "bf16-mixed", "16-mixed"],
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
]


class CheckpointSettings(Settings):
    """When a checkpoint is written; one is always written at the end."""

    every_minutes: float = Field(10.0, gt=0, description="write one after so many minutes")
    every_steps: int | None = Field(None, gt=0, description="and after so many steps")
    keep: int = Field(2, gt=0, description="how many of the newest stay")


class BatchSettings(Settings):
    """Batches formed by a column of the index, or of a table."""

    by: str = Field(description="the column, such as group, or cluster of `unlabeled cluster`")
    form: Literal["together", "apart", "shares"] = Field(
        description="together: a batch's items have one value; apart: as different ones as can "
        "be; shares: each value has the same share of every batch"
    )
    table: str | None = Field(
        None, description="a table with the columns item and `by`; the index if left out"
    )
    shares: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {}, description="by value, relative to one another; equal ones if left out"
    )

    @model_validator(mode="after")
    def _shares_are_used(self) -> Self:
        if self.shares and self.form != "shares":
            raise ValueError(f"shares: form {self.form} does not use them; leave them out")
        return self


class TrainingSettings(Settings):
    """How a pretext is trained; exactly one of `epochs` and `steps`."""

    batch_size: int = Field(64, gt=0, description="items in the joint batch of all processes")
    epochs: int | None = Field(None, gt=0, description="passes over the data")
    steps: int | None = Field(None, gt=0, description="optimiser steps")
    samples_per_item: int = Field(1, gt=0, description="draws from one item within an epoch")
    seed: int = Field(0, ge=0, lt=2**31, description="of weights, order, views and masks")

    optimiser: OptimiserSettings = AdamWSettings()
    schedule: ScheduleSettings = CosineSettings()
    clip: float | None = Field(None, gt=0, description="largest norm of the gradient")
    accumulate: int = Field(1, gt=0, description="batches per optimiser step")
    precision: Precision = Field("32", description="32, 64, bf16-mixed or 16-mixed")

    distributed: Literal["split", "replicated"] = Field(
        "split",
        description="several processes share a joint batch, or all take the whole of it (where "
        "it is one large graph)",
    )
    workers: int = Field(0, ge=0, description="data workers per process")
    batching: Literal["shuffled", "by_size"] = Field(
        "shuffled", description="by_size joins items of similar size, to save padding"
    )
    batches: BatchSettings | None = Field(
        None, description="form batches by a column, by: COLUMN and form: together, apart or shares"
    )
    unreadable: Literal["skip", "stop"] = Field(
        "skip", description="what to do with an item that cannot be read"
    )
    max_skipped: float = Field(0.1, ge=0, le=1, description="largest share of items skipped")

    checkpoint: CheckpointSettings = CheckpointSettings()
    health_every: int | None = Field(
        None,
        ge=0,
        description="steps between health checks, 0 for none; about twenty in a run, and one in "
        "200 steps, if unset",
    )
    on_collapse: Literal["warn", "stop"] = Field(
        "warn", description="what to do when representations collapse"
    )
    deterministic: bool = Field(True, description="false: faster, and no exact resume")
    compile: bool = Field(False, description="torch.compile the encoder; not exact")
    gradient_checkpointing: bool = Field(
        False, description="recompute the encoder's activations, where it offers that"
    )
    tensorboard: bool = Field(False, description="also write TensorBoard event files")

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if self.batches and self.batching == "by_size":
            raise ValueError("batches: they are formed by a column, so not by size as well")
        return self

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                "give exactly one of epochs and steps, "
                f"found epochs {self.epochs} and steps {self.steps}"
            )
        return self
