"""An augmentation, a pretext with everything that a checkpoint must not forget, a restoration."""

import json
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from unlabeled.atomic import write_text
from unlabeled.contract import Loss, Pretext, Range
from unlabeled.distributed import gather_rows, global_mean
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class Jitter(Settings):
    """Noise on every value and one scale for the whole sequence."""

    keeps: ClassVar[str] = "the signs"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()
    noise: float = 0.1

    def __call__(self, sample, rng):
        noise = self.noise * rng.normal(size=sample.shape)
        return (rng.uniform(0.8, 1.2) * (sample + noise)).astype("float32")


class MemorySettings(Settings):
    queue: int = 16
    noise: float = 0.1
    momentum: float = 0.9


class Memory(Pretext):
    """Momentum contrast in small: the teacher's embeddings of earlier batches are the negatives."""

    settings_type = MemorySettings

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        width = encoder.outputs[0].width
        self.projector = nn.Linear(width, width)
        teacher = TeacherSettings(momentum=settings.momentum, final_momentum=settings.momentum)
        self.teacher = Teacher(teacher, encoder, self.projector)
        self.register_buffer("queue", torch.eye(settings.queue, width))
        self.views = Jitter(noise=settings.noise)

    def example(self, sample, draw):
        return [self.views(sample, draw.rng(view)) for view in range(2)]

    def collate(self, examples):
        return [self.encoder.collate(view) for view in zip(*examples, strict=True)]

    def forward(self, batch):
        one, other = batch
        student = F.normalize(self.projector(self.encoder(one)), dim=1)
        teacher = F.normalize(self.teacher(other), dim=1)
        positive = (student * teacher).sum(1, keepdim=True)
        logits = torch.cat([positive, student @ self.queue.T], dim=1) / 0.2
        self.waiting = gather_rows(teacher)
        total = global_mean(-F.log_softmax(logits, dim=1)[:, 0])
        return Loss(total, {"positive": global_mean(positive.detach())})

    def after_step(self, step, total_steps):
        self.teacher.update(step, total_steps)
        self.queue.copy_(torch.cat([self.waiting, self.queue])[: len(self.queue)])


class Taught(Memory):
    """Hands over its teacher, and notes what the teacher's input statistics were at the start."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.register_buffer("mean_at_start", self.teacher.encoder.mean.clone())

    @property
    def exported(self):
        return self.teacher.encoder


class Stranger(Memory):
    """Hands over an encoder of another class, which no recipe could build again."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.other = type("Other", (type(encoder),), {})(encoder.settings)

    @property
    def exported(self):
        return self.other


class ClassifySettings(Settings):
    classes: int | None = None


class Classify(Pretext):
    """Semi-supervised at its simplest: learns the labels that there are by heart."""

    settings_type = ClassifySettings
    uses = ("labels",)

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.outputs[0].width, settings.classes or 2)

    def example(self, sample, draw):
        return sample, draw.targets.get("kind", -1)

    def collate(self, examples):
        samples, known = zip(*examples, strict=True)
        return self.encoder.collate(samples), torch.tensor(known)

    def forward(self, batch):
        samples, known = batch
        each = F.cross_entropy(
            self.head(self.encoder(samples)), known.clamp(min=0), reduction="none"
        )
        return Loss(global_mean(each, (known >= 0).to(each.dtype)))


class DenoiseSettings(Settings):
    noise: float = 0.1


class Denoise(Pretext):
    """A restoration: every vector as it was before noise was added. Needs an encoder of width 4."""

    settings_type = DenoiseSettings
    kind = "restoration"
    restores_to = ".clean.json"

    def example(self, sample, draw):
        return Jitter(noise=self.settings.noise)(sample, draw.rng("noise")), sample

    def collate(self, examples):
        return [self.encoder.collate(part) for part in zip(*examples, strict=True)]

    def forward(self, batch):
        noisy, clean = batch
        found = self.encoder.encode(noisy, "steps")
        return Loss(global_mean((found.values - clean.values)[clean.valid].square()))

    @classmethod
    @torch.no_grad()
    def restore(cls, encoder, reader, item, out):
        found = encoder.encode(encoder.collate([reader.read(item)]), "steps")
        write_text(out, json.dumps(found.values[0].tolist()))
