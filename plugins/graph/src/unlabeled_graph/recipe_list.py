"""The recipes of the manifest. Imports only the manifest's own types."""

from unlabeled.plugin import Component

RECIPES = {
    "barlow_twins": Component(
        target="unlabeled_graph:recipes/barlow_twins.yaml",
        summary="views of a molecule by dropped bonds and features",
        source="Zbontar et al. 2021; views of Zhu et al. 2020",
        experimental=True,
    ),
    "barlow_twins_graphs": Component(
        target="unlabeled_graph:recipes/barlow_twins_graphs.yaml",
        summary="views of a graph by dropped edges and features, GCN",
        source="Zbontar et al. 2021; views of Zhu et al. 2020",
        experimental=True,
    ),
    "bgrl": Component(
        target="unlabeled_graph:recipes/bgrl.yaml",
        summary="nodes of one view predict those of a teacher",
        source="Thakoor et al. 2022, BGRL",
    ),
    "cca_ssg": Component(
        target="unlabeled_graph:recipes/cca_ssg.yaml",
        summary="nodes of two views agree in columns that are not correlated",
        source="Zhang et al. 2021, CCA-SSG",
    ),
    "dgi": Component(
        target="unlabeled_graph:recipes/dgi.yaml",
        summary="nodes belong to the summary of their graph",
        source="Veličković et al. 2019, DGI",
    ),
    "grace": Component(
        target="unlabeled_graph:recipes/grace.yaml",
        summary="contrast of nodes in two views",
        source="Zhu et al. 2020, GRACE",
    ),
    "graphcl": Component(
        target="unlabeled_graph:recipes/graphcl.yaml",
        summary="contrast of graphs with dropped nodes and edges",
        source="You et al. 2020, GraphCL",
        experimental=True,
    ),
    "graphcl_apart": Component(
        target="unlabeled_graph:recipes/graphcl_apart.yaml",
        summary="the same with batches of graphs from different groups or clusters",
        source="Chakraborty et al. 2020, G-SimCLR",
        experimental=True,
    ),
    "graphmae": Component(
        target="unlabeled_graph:recipes/graphmae.yaml",
        summary="masked atoms of molecules",
        source="Hou et al. 2022, GraphMAE",
    ),
    "graphmae2": Component(
        target="unlabeled_graph:recipes/graphmae2.yaml",
        summary="masked nodes, random re-masks and a teacher",
        source="Hou et al. 2023, GraphMAE2",
        experimental=True,
    ),
    "graphmae_arxiv_base": Component(
        target="unlabeled_graph:recipes/graphmae_arxiv_base.yaml",
        summary="masked nodes of one large graph, the published row for ogbn-arxiv",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_blocks": Component(
        target="unlabeled_graph:recipes/graphmae_blocks.yaml",
        summary="masked nodes of one graph that is too large for a step",
        source="Hou et al. 2022, GraphMAE; blocks of Chiang et al. 2019",
        experimental=True,
    ),
    "graphmae_citeseer_base": Component(
        target="unlabeled_graph:recipes/graphmae_citeseer_base.yaml",
        summary="masked nodes of one large graph, the published row for Citeseer",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_collab_base": Component(
        target="unlabeled_graph:recipes/graphmae_collab_base.yaml",
        summary="masked nodes of TU graphs, the published row for COLLAB",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_cora_base": Component(
        target="unlabeled_graph:recipes/graphmae_cora_base.yaml",
        summary="masked nodes of one large graph, the published row for Cora",
        source="Hou et al. 2022, GraphMAE",
    ),
    "graphmae_imdb_binary_base": Component(
        target="unlabeled_graph:recipes/graphmae_imdb_binary_base.yaml",
        summary="masked nodes of TU graphs, the published row for IMDB-BINARY",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_imdb_multi_base": Component(
        target="unlabeled_graph:recipes/graphmae_imdb_multi_base.yaml",
        summary="masked nodes of TU graphs, the published row for IMDB-MULTI",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_molecules": Component(
        target="unlabeled_graph:recipes/graphmae_molecules.yaml",
        summary="masked atoms of molecules, the encoder of the published row",
        source="Hou et al. 2022, GraphMAE",
    ),
    "graphmae_molecules_base": Component(
        target="unlabeled_graph:recipes/graphmae_molecules_base.yaml",
        summary="masked atoms of molecules, the published row for ZINC",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_mutag_base": Component(
        target="unlabeled_graph:recipes/graphmae_mutag_base.yaml",
        summary="masked nodes of TU graphs, the published row for MUTAG",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_nci1_base": Component(
        target="unlabeled_graph:recipes/graphmae_nci1_base.yaml",
        summary="masked nodes of TU graphs, the published row for NCI1",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_ppi_base": Component(
        target="unlabeled_graph:recipes/graphmae_ppi_base.yaml",
        summary="masked nodes of large graphs, the published row for PPI",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_proteins_base": Component(
        target="unlabeled_graph:recipes/graphmae_proteins_base.yaml",
        summary="masked nodes of TU graphs, the published row for PROTEINS",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_pubmed_base": Component(
        target="unlabeled_graph:recipes/graphmae_pubmed_base.yaml",
        summary="masked nodes of one large graph, the published row for PubMed",
        source="Hou et al. 2022, GraphMAE",
    ),
    "graphmae_reddit_base": Component(
        target="unlabeled_graph:recipes/graphmae_reddit_base.yaml",
        summary="masked nodes of one large graph, the published row for Reddit",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "graphmae_reddit_binary_base": Component(
        target="unlabeled_graph:recipes/graphmae_reddit_binary_base.yaml",
        summary="masked nodes of TU graphs, the published row for REDDIT-BINARY",
        source="Hou et al. 2022, GraphMAE",
    ),
    "graphmae_pyg": Component(
        target="unlabeled_graph:recipes/graphmae_pyg.yaml",
        summary="masked nodes of small graphs, by any layer of PyG",
        source="Hou et al. 2022, GraphMAE",
        experimental=True,
    ),
    "infograph": Component(
        target="unlabeled_graph:recipes/infograph.yaml",
        summary="match nodes to their graph of the batch",
        source="Sun et al. 2020, InfoGraph",
        experimental=True,
    ),
    "light_gcn": Component(
        target="unlabeled_graph:recipes/light_gcn.yaml",
        summary="users and items by what they took, smoothed over the graph",
        source="He et al. 2020, LightGCN; Rendle et al. 2009, BPR",
        experimental=True,
    ),
    "maskgae": Component(
        target="unlabeled_graph:recipes/maskgae.yaml",
        summary="predict masked edges against non-edges",
        source="Li et al. 2023, MaskGAE",
    ),
    "sgl": Component(
        target="unlabeled_graph:recipes/sgl.yaml",
        summary="users and items, with contrast of two thinned graphs",
        source="Wu et al. 2021, SGL",
        experimental=True,
    ),
    "simgcl": Component(
        target="unlabeled_graph:recipes/simgcl.yaml",
        summary="users and items, with contrast under two noises",
        source="Yu et al. 2022, SimGCL",
        experimental=True,
    ),
    "vicreg_graphs": Component(
        target="unlabeled_graph:recipes/vicreg_graphs.yaml",
        summary="views of a graph by dropped edges and features, GraphSAGE",
        source="Bardes et al. 2022; views of Zhu et al. 2020",
        experimental=True,
    ),
    "xsimgcl": Component(
        target="unlabeled_graph:recipes/xsimgcl.yaml",
        summary="users and items under noise, with contrast of two layers",
        source="Yu et al. 2023, XSimGCL",
        experimental=True,
    ),
}
"""By name."""
