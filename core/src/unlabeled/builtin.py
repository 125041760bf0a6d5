"""The core's own components, in the form in which plugins announce theirs; names are bare."""

from __future__ import annotations

from unlabeled.plugin import Component, Plugin

OBJECTIVES = {
    "barlow_twins": Component(
        target="unlabeled.objectives.barlow_twins:BarlowTwins",
        summary="the cross-correlation of two views becomes the identity",
        source="Zbontar et al. 2021, arXiv:2103.03230",
    ),
    "byol": Component(
        target="unlabeled.objectives.byol:BYOL",
        summary="predict the momentum teacher's view from the other view",
        source="Grill et al. 2020, arXiv:2006.07733",
    ),
    "dcl": Component(
        target="unlabeled.objectives.dcl:DCL",
        summary="contrast without the positive in the denominator; weighted with sigma (DCLW)",
        source="Yeh et al. 2022, arXiv:2110.06848",
    ),
    "dino": Component(
        target="unlabeled.objectives.dino:DINO",
        summary="match the teacher's distribution over prototypes, centred and sharpened",
        source="Caron et al. 2021, arXiv:2104.14294",
    ),
    "directpred": Component(
        target="unlabeled.objectives.directpred:DirectPred",
        summary="BYOL whose linear predictor is set from correlations",
        source="Tian et al. 2021, arXiv:2102.06810",
    ),
    "ibot": Component(
        target="unlabeled.objectives.ibot:IBOT",
        summary="match the teacher's distribution for every masked token",
        source="Zhou et al. 2022, arXiv:2111.07832",
    ),
    "info_nce": Component(
        target="unlabeled.objectives.info_nce:InfoNCE",
        summary="find the same sample in another modality, with queue and groups",
        source="van den Oord et al. 2018, arXiv:1807.03748",
    ),
    "mixed_barlow_twins": Component(
        target="unlabeled.objectives.mixed_barlow_twins:MixedBarlowTwins",
        summary="Barlow Twins, and the mix of two samples embeds as the mix",
        source="Bandara et al. 2023, arXiv:2312.02151",
    ),
    "nt_xent": Component(
        target="unlabeled.objectives.nt_xent:NTXent",
        summary="find the other view among the whole batch (SimCLR)",
        source="Chen et al. 2020, arXiv:2002.05709",
    ),
    "simsiam": Component(
        target="unlabeled.objectives.simsiam:SimSiam",
        summary="predict one view from the other behind a stopped gradient",
        source="Chen and He 2021, arXiv:2011.10566",
    ),
    "ssl_ey": Component(
        target="unlabeled.objectives.ssl_ey:SSLEY",
        summary="canonical correlation analysis of views as an unconstrained loss",
        source="Chapman et al. 2024, arXiv:2310.01012",
    ),
    "swav": Component(
        target="unlabeled.objectives.swav:SwAV",
        summary="predict one view's cluster assignment from another view",
        source="Caron et al. 2020, arXiv:2006.09882",
    ),
    "vicreg": Component(
        target="unlabeled.objectives.vicreg:VICReg",
        summary="variance, invariance and covariance terms",
        source="Bardes et al. 2022, arXiv:2105.04906",
    ),
}

PRETEXTS: dict[str, Component] = {
    "joint_embedding": Component(
        target="unlabeled.pretexts.joint_embedding:JointEmbedding",
        summary="views of one sample get similar embeddings, by any paired objective",
    ),
    "mixed_barlow_twins": Component(
        target="unlabeled.pretexts.mixed_barlow_twins:MixedBarlowTwins",
        summary="two views and their mix; the embedding of the mix is the mix of embeddings",
        source="Bandara et al. 2023, arXiv:2312.02151",
    ),
    "masked_autoencoder": Component(
        target="unlabeled.pretexts.masked_autoencoder:MaskedAutoencoder",
        summary="see a few patches, predict the values of the others",
        source="He et al. 2022, MAE",
    ),
    "gmml": Component(
        target="unlabeled.pretexts.gmml:GMML",
        summary="see all patches, groups of them corrupted, and reconstruct these",
        source="Atito et al. 2022, arXiv:2205.14986",
    ),
    "masked_tokens": Component(
        target="unlabeled.pretexts.masked_tokens:MaskedTokens",
        summary="predict masked or replaced tokens of a text",
        source="Devlin et al. 2019, arXiv:1810.04805",
    ),
    "masked_latent": Component(
        target="unlabeled.pretexts.masked_latent:MaskedLatent",
        summary="see a few patches, predict a teacher's tokens of the others",
        source="Assran et al. 2023, I-JEPA",
    ),
    "self_distillation": Component(
        target="unlabeled.pretexts.self_distillation:SelfDistillation",
        summary="views and hidden tokens match a teacher's output for whole views",
        source="Zhou et al. 2022, iBOT",
    ),
    "cross_modal": Component(
        target="unlabeled.pretexts.cross_modal:CrossModal",
        summary="the sensors of one sample get similar embeddings",
        source="Tian et al. 2020, arXiv:1906.05849",
    ),
}

EVALUATORS = {
    "k_means": Component(
        target="unlabeled.probes.k_means:KMeans",
        summary="clusters found without labels, each given to one class",
        source="Fuller et al. 2023, arXiv:2311.00566",
    ),
    "knn": Component(
        target="unlabeled.probes.knn:KNN",
        summary="classes by weighted votes of the nearest embeddings",
        source="Wu et al. 2018, arXiv:1805.01978",
    ),
    "logistic": Component(
        target="unlabeled.probes.logistic:Logistic",
        summary="classes by logistic regression, C chosen within the training groups",
    ),
    "ridge": Component(
        target="unlabeled.probes.ridge:Ridge",
        summary="quantities by ridge regression, penalty chosen within the training groups",
    ),
}

ASSESSMENTS = {
    "probe": Component(
        target="unlabeled.evaluation.probe:Probe",
        summary="labels predicted from frozen embeddings by a linear or nearest-neighbour probe",
    ),
    "detection": Component(
        target="unlabeled.evaluation.detection:Detection",
        summary="labels of stretches found segment by segment, as sound events are",
        source="Mesaros et al. 2016, Applied Sciences 6(6)",
    ),
    "retrieval": Component(
        target="unlabeled.evaluation.retrieval:Retrieval",
        summary="items of the same label found among the nearest of other groups",
    ),
    "cross_retrieval": Component(
        target="unlabeled.evaluation.cross_retrieval:CrossRetrieval",
        summary="the same item found by another of the encoder's outputs",
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
    assessments=ASSESSMENTS,
    augmentations=AUGMENTATIONS,
    expected_failures={
        f"objectives/mixed_barlow_twins/{check}": (
            "only its pretext knows how views were mixed; the kit tries both together"
        )
        for check in ("finite", "order", "widths")
    },
)
