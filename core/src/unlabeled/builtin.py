"""The core's own components, in the form in which plugins announce theirs; names are bare."""

from __future__ import annotations

from unlabeled.plugin import Component, Plugin

OBJECTIVES = {
    "barlow_twins": Component(
        target="unlabeled.objectives.barlow_twins:BarlowTwins",
        summary="The cross-correlation of two views becomes the identity",
        source="Zbontar et al. 2021, arXiv:2103.03230",
    ),
}

PRETEXTS: dict[str, Component] = {
    "joint_embedding": Component(
        target="unlabeled.pretexts.joint_embedding:JointEmbedding",
        summary="views of one sample get like embeddings, by any paired objective",
    ),
    "masked_autoencoder": Component(
        target="unlabeled.pretexts.masked_autoencoder:MaskedAutoencoder",
        summary="see a few patches, predict the values of the others",
        source="He et al. 2022, MAE",
    ),
}

EVALUATORS = {
    "knn": Component(
        target="unlabeled.evaluation.knn:KNN",
        summary="classes by weighted votes of the nearest embeddings",
        source="Wu et al. 2018, arXiv:1805.01978",
    ),
    "logistic": Component(
        target="unlabeled.evaluation.logistic:Logistic",
        summary="classes by logistic regression, C chosen within the training groups",
    ),
    "ridge": Component(
        target="unlabeled.evaluation.ridge:Ridge",
        summary="quantities by ridge regression, penalty chosen within the training groups",
    ),
}

AUGMENTATIONS: dict[str, Component] = {}

plugin = Plugin(
    api=1,
    modality="",
    summary="What is the same for every modality",
    objectives=OBJECTIVES,
    pretexts=PRETEXTS,
    evaluators=EVALUATORS,
    augmentations=AUGMENTATIONS,
)
