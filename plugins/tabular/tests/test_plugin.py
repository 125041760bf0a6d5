import sys
from subprocess import run

from unlabeled import discovery
from unlabeled.plugin import KINDS
from unlabeled_tabular.plugin import plugin


def test_every_component_that_is_listed_is_there():
    for kind in KINDS:
        for name, component in plugin.components(kind).items():
            if kind == "recipes":
                assert discovery.recipe_path(f"tabular/{name}").exists()
            else:
                assert discovery.resolve(component.target)


def test_listing_it_imports_neither_torch_nor_sklearn():
    code = "import sys, unlabeled_tabular.plugin as p; print({'torch', 'sklearn'} & {*sys.modules})"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
