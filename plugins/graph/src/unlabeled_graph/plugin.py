"""The manifest of unlabeled-graph. Imports only the manifest's own types."""

from unlabeled.plugin import Component, Plugin
from unlabeled_graph.recipe_list import RECIPES

plugin = Plugin(
    api=1,
    modality="graph",
    summary="Molecules, networks and collections of small graphs",
    synthetic={
        "blocks": Component(
            target="unlabeled_graph.synthetic:write_large_graph",
            summary="one graph of communities, from which blocks are cut",
        ),
        "edge_lists": Component(
            target="unlabeled_graph.synthetic:write_edge_lists",
            summary="the rings and trees, each as a table of edges and one of nodes",
        ),
        "graphs": Component(
            target="unlabeled_graph.synthetic:write_graphs",
            summary="rings and trees whose nodes are of four kinds",
        ),
        "molecules": Component(
            target="unlabeled_graph.synthetic:write_molecules",
            summary="rings with a functional group at the end of a chain",
        ),
        "tu": Component(
            target="unlabeled_graph.synthetic:write_tu",
            summary="the rings and trees as a folder of the TU collection",
        ),
        "user_item": Component(
            target="unlabeled_graph.synthetic:write_user_item",
            summary="users of four tastes and their items",
        ),
    },
    readers={
        "blocks": Component(
            target="unlabeled_graph.readers.blocks:Blocks",
            summary="parts of one large graph, by clusters or by sampled neighbours",
            source="Chiang et al. 2019; Hamilton et al. 2017",
        ),
        "edge_lists": Component(
            target="unlabeled_graph.readers.edge_lists:EdgeLists",
            summary="CSV and Parquet tables of edges, with a table of nodes beside",
        ),
        "graphs": Component(
            target="unlabeled_graph.readers.graphs:Graphs",
            summary="graphs saved as safetensors, and PyG's .pt files where they hold plain data",
        ),
        "molecules": Component(
            target="unlabeled_graph.readers.molecules:Molecules",
            summary="SMILES from .smi and CSV files, as graphs of atoms and bonds",
        ),
        "tu": Component(
            target="unlabeled_graph.readers.tu:TU",
            summary="text folders of the TU collection",
            source="Morris et al. 2020",
        ),
        "user_item": Component(
            target="unlabeled_graph.readers.user_item:UserItem",
            summary="tables of who took what, as one graph of users and items",
        ),
    },
    augmentations={
        "drop_edges": Component(
            target="unlabeled_graph.augmentations.drop_edges:DropEdges",
            summary="drops edges in both directions",
            source="Rong et al. 2020, DropEdge",
        ),
        "drop_nodes": Component(
            target="unlabeled_graph.augmentations.drop_nodes:DropNodes",
            summary="drops nodes with their edges",
            source="You et al. 2020, GraphCL",
        ),
        "mask_features": Component(
            target="unlabeled_graph.augmentations.mask_features:MaskFeatures",
            summary="masks columns of the node features",
            source="Zhu et al. 2020, GRACE",
        ),
    },
    encoders={
        "gat": Component(
            target="unlabeled_graph.encoders.gat:GAT",
            summary="graph attention network, with edge features",
            source="Veličković et al. 2018, GAT",
        ),
        "gcn": Component(
            target="unlabeled_graph.encoders.gcn:GCN",
            summary="graph convolutional network",
            source="Kipf and Welling 2017, GCN",
        ),
        "gin": Component(
            target="unlabeled_graph.encoders.gin:GIN",
            summary="graph isomorphism network, with edge features",
            source="Xu et al. 2019, GIN; Hu et al. 2020",
        ),
        "light_gcn": Component(
            target="unlabeled_graph.encoders.light_gcn:LightGCN",
            summary="a vector for each user and item, smoothed over their graph",
            source="He et al. 2020, LightGCN",
        ),
        "pyg": Component(
            target="unlabeled_graph.encoders.pyg:PyG",
            summary="any message-passing layer of PyG, by its name",
            source="Fey and Lenssen 2019, PyG",
        ),
        "sage": Component(
            target="unlabeled_graph.encoders.sage:SAGE",
            summary="each node with the mean of its neighbours",
            source="Hamilton et al. 2017, GraphSAGE",
        ),
    },
    objectives={
        "cca_ssg": Component(
            target="unlabeled_graph.objectives.cca_ssg:CCASSG",
            summary="views agree in columns that are not correlated",
            source="Zhang et al. 2021, CCA-SSG",
        ),
    },
    pretexts={
        "bpr": Component(
            target="unlabeled_graph.pretexts.bpr:BPR",
            summary="items that a user has rank above those that the user lacks",
            source="Rendle et al. 2009, BPR",
        ),
        "dgi": Component(
            target="unlabeled_graph.pretexts.dgi:DGI",
            summary="nodes belong to the summary of their graph",
            source="Veličković et al. 2019, DGI",
        ),
        "graphmae": Component(
            target="unlabeled_graph.pretexts.graphmae:GraphMAE",
            summary="hidden nodes are reconstructed from the codes around them",
            source="Hou et al. 2022, GraphMAE",
        ),
        "graphmae2": Component(
            target="unlabeled_graph.pretexts.graphmae2:GraphMAE2",
            summary="GraphMAE with random re-masks and a teacher",
            source="Hou et al. 2023, GraphMAE2",
            experimental=True,
        ),
        "infograph": Component(
            target="unlabeled_graph.pretexts.infograph:InfoGraph",
            summary="match nodes to their graph",
            source="Sun et al. 2020, InfoGraph",
            experimental=True,
        ),
        "maskgae": Component(
            target="unlabeled_graph.pretexts.maskgae:MaskGAE",
            summary="predict masked edges against non-edges",
            source="Li et al. 2023, MaskGAE",
        ),
        "sgl": Component(
            target="unlabeled_graph.pretexts.sgl:SGL",
            summary="BPR, and contrast of two graphs with dropped interactions",
            source="Wu et al. 2021, SGL",
        ),
        "simgcl": Component(
            target="unlabeled_graph.pretexts.simgcl:SimGCL",
            summary="BPR, and contrast under two noises",
            source="Yu et al. 2022, SimGCL",
        ),
        "xsimgcl": Component(
            target="unlabeled_graph.pretexts.xsimgcl:XSimGCL",
            summary="BPR under noise, and contrast of two of its layers",
            source="Yu et al. 2023, XSimGCL",
        ),
    },
    baselines={
        "atom_counts": Component(
            target="unlabeled_graph.baselines.atom_counts:AtomCounts",
            summary="atoms of each element and bonds of each type",
        ),
        "degrees": Component(
            target="unlabeled_graph.baselines.degrees:Degrees",
            summary="nodes, edges and the distribution of degrees",
        ),
        "node_features": Component(
            target="unlabeled_graph.baselines.node_features:NodeFeatures",
            summary="the features of each node as they are",
        ),
        "sgc": Component(
            target="unlabeled_graph.baselines.sgc:SGC",
            summary="the features of each node smoothed over its neighbours",
            source="Wu et al. 2019, SGC",
        ),
        "ecfp4": Component(
            target="unlabeled_graph.baselines.ecfp4:ECFP4",
            summary="circular substructures of molecules as bits",
            source="Rogers and Hahn 2010",
        ),
    },
    evaluators={
        "linear": Component(
            target="unlabeled_graph.evaluators.linear:Linear",
            summary="softmax regression by Adam, as papers on node classification do it",
            source="Hou et al. 2022, GraphMAE",
        ),
        "svm": Component(
            target="unlabeled_graph.evaluators.svm:SVM",
            summary="RBF kernel machine, C chosen within the training items",
            source="Sun et al. 2020, InfoGraph",
        ),
    },
    assessments={
        "link_prediction": Component(
            target="unlabeled_graph.assessments.link_prediction:LinkPrediction",
            summary="rank held-out edges above non-edges",
            source="Kipf and Welling 2016, arXiv:1611.07308",
        ),
    },
    recipes=RECIPES,
    commands={
        "blocks": Component(
            target="unlabeled_graph.write_blocks:blocks",
            summary="Write one large graph from its tables, to be read in parts.",
        ),
    },
    expected_failures={
        "pretexts/graphmae/learns": "takes minutes; make demo compares on real molecules",
        **{
            f"pretexts/{name}/learns": "takes minutes; make bench-node-methods shows it on networks"
            for name in ("dgi", "joint_embedding", "maskgae")
        },
        "pretexts/infograph/keyed": "InfoGraph draws nothing: it compares a graph with its nodes",
    },
)
