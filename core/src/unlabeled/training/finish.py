"""The last phase of a run: write the encoder, or say how to resume."""

from __future__ import annotations

from collections.abc import Iterator

from unlabeled import labelled
from unlabeled.batch_norm import estimate_batch_norm, has_batch_norm
from unlabeled.commands import command
from unlabeled.data.quarantine import Quarantine
from unlabeled.distributed import world_size
from unlabeled.export.encoder import Provenance, save_encoder
from unlabeled.run_folder import Manifest, RunFolder, now
from unlabeled.training.checkpoint import Progress
from unlabeled.training.collapse_monitor import on_device
from unlabeled.training.job import Job
from unlabeled.training.loop import Trainer
from unlabeled.training.signals import Stopped
from unlabeled.wording import counted

NORM_ITEMS = 2048
"""Items over which batch-norm statistics are estimated for the exported encoder."""


def about_items_met(folder: RunFolder, quarantine: Quarantine) -> Iterator[str]:
    """How many of the items that the index lists turned out to be of no use while training."""
    if count := quarantine.met_later:
        yield f"{counted(count, 'item')} could not be used while training: {folder.quarantine}"


def require_all_steps(job: Job, trainer: Trainer, done: Progress) -> None:
    """Raises Stopped, and notes it in the manifest, if training was stopped before its end."""
    if done.steps == trainer.total_steps:
        return
    job.folder.update(status="stopped", steps=done.steps, seconds=done.seconds, ended=now())
    raise Stopped(
        f"Stopped after step {done.steps} of {trainer.total_steps}, and saved. Go on with:\n"
        f"  {command('pretrain', '--resume', job.folder.path)}"
    )


def settle_batch_norm(job: Job, trainer: Trainer) -> None:
    """Fit the encoder's batch-norm statistics to whole inputs. The last checkpoint keeps its
    own."""
    encoder = trainer.pretext.exported
    if has_batch_norm(encoder):
        encoder.eval()
        batches = (on_device(job.fabric, batch) for batch in job.sample(encoder, NORM_ITEMS))
        with job.fabric.autocast():
            estimate_batch_norm(encoder, batches, encoder.outputs[0].name)


def export(job: Job, trainer: Trainer, done: Progress) -> Manifest:
    """Write the encoder, and record in the manifest that the run has finished."""
    pretext = trainer.pretext
    save_encoder(
        pretext.exported,
        encoder_name=job.recipe.encoder.name,
        reader=job.recipe.reader,
        folder=job.folder.encoder,
        provenance=Provenance(
            recipe=job.recipe.name,
            pretext=job.recipe.pretext.name,
            kind=pretext.kind,
            seed=job.settings.seed,
            steps=done.steps,
            batch_size=max(1, job.settings.batch_size // (1 if job.replicated else world_size())),
            items=job.data.items,
            fingerprint=job.data.fingerprint,
            labelled=labelled.kept_with_encoder(job.folder),
            started_from=job.started_from.to_dict() if job.started_from else {},
        ),
    )
    return job.folder.update(status="finished", steps=done.steps, seconds=done.seconds, ended=now())
