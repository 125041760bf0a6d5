"""Networks of other libraries stand beside ours: an encoder is a few lines around them."""

import pytest
import torch

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Output
from unlabeled.objectives.vicreg import VICReg
from unlabeled.pretexts.joint_embedding import JointEmbedding, JointEmbeddingSettings
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class NetworkSettings(Settings):
    pass


class Network(Encoder):
    """Any network from images (N, 3, H, W) to features (N, D): torchvision's, timm's, your own."""

    settings_type = NetworkSettings

    def __init__(self, settings, network, width):
        super().__init__(settings)
        self.network = network
        self.outputs = (Output("pooled", "global", width),)

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        return self.network(batch)


def torchvision():
    from torchvision.models import resnet18

    network = resnet18()
    network.fc = torch.nn.Identity()
    return network, 512


def timm():
    library = pytest.importorskip("timm", reason="timm is not installed")
    network = library.create_model("resnet10t", pretrained=False, num_classes=0)
    return network, network.num_features


@pytest.mark.parametrize("library", [torchvision, timm])
def test_a_network_of_another_library_trains(library):
    torch.manual_seed(0)
    encoder = Network(NetworkSettings(), *library())
    objective = VICReg(VICReg.settings_type(projector=(16, 16)), encoder.outputs[0].width)
    views = Views([ViewSettings(count=2)])
    pretext = JointEmbedding(JointEmbeddingSettings(), encoder, views=views, objective=objective)
    samples = torch.randn(4, 3, 32, 32)
    examples = [pretext.example(x, Draw(0, 0, str(i), 0, "")) for i, x in enumerate(samples)]
    loss = pretext(pretext.collate(examples)).total
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in encoder.parameters())
