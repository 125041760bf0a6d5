"""What the toy plugin brings."""

from unlabeled.plugin import Component, Plugin

plugin = Plugin(
    api=1,
    modality="vectors",
    summary="Sequences of vectors",
    synthetic={
        "json": Component("unlabeled_vectors.parts:write", "two classes told apart by a product"),
        **{
            reader: Component(
                "unlabeled_vectors.parts:write", "two classes told apart by a product"
            )
            for reader in ("private", "shown", "private_shown")
        },
    },
    readers={
        "json": Component("unlabeled_vectors.parts:JsonReader", "one file, one sequence"),
        "private": Component("unlabeled_vectors.parts:PrivateReader", "the same, of people"),
        "shown": Component("unlabeled_vectors.parts:ShownReader", "the same, with pictures"),
        "private_shown": Component(
            "unlabeled_vectors.parts:PrivateShownReader", "with pictures, of people"
        ),
    },
    encoders={
        "mixer": Component("unlabeled_vectors.parts:Mixer", "a small network"),
        "linear": Component("unlabeled_vectors.parts:Linear", "one matrix"),
    },
    augmentations={"jitter": Component("unlabeled_vectors.method:Jitter", "noise and scale")},
    pretexts={
        "memory": Component("unlabeled_vectors.method:Memory", "a teacher and a queue"),
        "classify": Component("unlabeled_vectors.method:Classify", "learns labels by heart"),
        "taught": Component("unlabeled_vectors.method:Taught", "hands over its teacher"),
        "stranger": Component("unlabeled_vectors.method:Stranger", "hands over what it must not"),
        "denoise": Component("unlabeled_vectors.method:Denoise", "vectors without noise"),
    },
    baselines={
        "mean": Component("unlabeled_vectors.parts:Mean", "the mean vector"),
        "points": Component("unlabeled_vectors.parts:Points", "every vector as it is"),
    },
)
