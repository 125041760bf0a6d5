"""Two gloo processes with uneven shares of a batch equal one process with all of it."""

import copy
import subprocess
import sys

import numpy as np
import torch
import torch.distributed as dist

from unlabeled.randomness import Draw
from unlabeled_audio.augmentations.mixing import Mixing
from unlabeled_audio.encoders.ast import AST, ASTSettings
from unlabeled_audio.pretexts.ssast import SSAST, SSASTSettings
from unlabeled_audio.waveform import Waveform, Waveforms

LENGTHS = (4000, 7000, 2500, 5200, 9000)
SHARES = ((0, 2), (2, 5))


def clips():
    generator = torch.Generator().manual_seed(0)
    return [Waveform(0.1 * torch.randn(1, n, generator=generator), 16000) for n in LENGTHS]


def ssast_gradient(share):
    """The joint loss, and this process's gradients as one vector."""
    torch.manual_seed(0)
    small = {"features": {"bins": 16}, "patch": (8, 4), "width": 12, "depth": 1, "heads": 2}
    encoder = AST(ASTSettings.model_validate({"sample_rate": 16000, **small}))
    method = SSAST(SSASTSettings(), encoder).double()
    examples = [method.example(c, Draw(0, 0, str(i), 0, "")) for i, c in enumerate(clips())]
    loss = method(method.collate(examples[slice(*share)])).total
    loss.backward()
    gradient = torch.cat([p.grad.flatten() for p in method.parameters() if p.grad is not None])
    return loss.detach(), gradient


def mixed(share):
    rng = np.random.default_rng(0)
    plans = torch.from_numpy(np.stack([Mixing().plan(rng) for _ in LENGTHS]))
    batch = Waveforms.of(clips()[slice(*share)], 16000)
    return Mixing().apply(copy.copy(batch), plans[slice(*share)]).values


def work(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    loss, gradient = ssast_gradient(SHARES[rank])
    dist.all_reduce(gradient)
    torch.save((loss, gradient / 2, mixed(SHARES[rank])), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    command = [sys.executable, __file__]
    started = [subprocess.Popen([*command, str(rank), str(tmp_path)]) for rank in (0, 1)]
    loss, gradient = ssast_gradient((0, len(LENGTHS)))
    whole = mixed((0, len(LENGTHS)))
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    for rank, share in enumerate(SHARES):
        one, joint, part = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(one, loss, atol=1e-10, rtol=0)
        torch.testing.assert_close(joint, gradient, atol=1e-9, rtol=0)
        expected = whole[slice(*share), : part.shape[1]]
        torch.testing.assert_close(part, expected, atol=1e-6, rtol=0)


if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2])
