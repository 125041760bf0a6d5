"""What unlabeled-tides brings."""

from unlabeled.plugin import Component, Plugin

plugin = Plugin(
    api=1,
    modality="tides",
    summary="Water levels of tide gauges, one text file each",
    synthetic={"gauges": Component("unlabeled_tides.synthetic:write", "two kinds of tide")},
    readers={"gauges": Component("unlabeled_tides.gauges:Gauges", "one level in m per line")},
    augmentations={"waves": Component("unlabeled_tides.waves:Waves", "adds waves to the level")},
    encoders={"recurrent": Component("unlabeled_tides.recurrent:Recurrent", "a small GRU")},
    pretexts={
        "next_level": Component("unlabeled_tides.next_level:NextLevel", "predicts the next level")
    },
    baselines={"level": Component("unlabeled_tides.waves:Level", "mean and spread of the level")},
    recipes={
        "next_level": Component(
            "unlabeled_tides:recipes/next_level.yaml", "predict the next", experimental=True
        ),
        "barlow_twins": Component(
            "unlabeled_tides:recipes/barlow_twins.yaml",
            "two views of one gauge",
            source="Zbontar et al. 2021, arXiv:2103.03230",
            experimental=True,
        ),
    },
)
