"""The page in a real browser: no complaint, no request, readable, by mouse and by keyboard."""

import csv
import itertools
import json
import threading
from pathlib import Path
from queue import Queue

import browser
import pytest
import toy_runs
from reported import HOSTILE, a_run, with_steps
from toy_runs import recipe

from unlabeled import discovery
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.recipe import merge
from unlabeled.report.comparison import compare_runs
from unlabeled.report.page import report
from unlabeled.report.watch import watch
from unlabeled.training.pretrain import pretrain

pytestmark = pytest.mark.skipif(not browser.found(), reason=browser.WHY_NOT)
SHOWN = merge(toy_runs.BARLOW, {"reader": {"name": "vectors/shown"}})


@pytest.fixture(scope="module")
def tab():
    with browser.Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of a run with an evaluation, labels with a hostile class, a map and pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "vectors")
        discovery.discover.cache_clear()
        yield made(tmp_path_factory.mktemp("page"))
        discovery.discover.cache_clear()


def made(tmp_path):
    data = toy_runs.write_data(tmp_path / "data")
    names = [file.name for file in sorted(data.glob("*.json"))]
    rows = [[name, HOSTILE if n % 2 else "plain"] for n, name in enumerate(names)]
    labels = tmp_path / "labels.csv"
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([["item", "kind"], *rows])
    run = pretrain(recipe(SHOWN, steps=12), data, tmp_path / "run", quiet=True).path
    evaluate(run, data, labels, settings=EvaluationSettings(random_encoders=2))
    return report(run, data, labels)


def quiet(tab):
    """No console error and no request."""
    return (tab.complaints, tab.asked) == ([], [])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_asks_nobody_and_complains_of_nothing(tab, page, width, dark):
    tab.open(page, width=width, dark=dark)
    assert quiet(tab)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.querySelector('h1').textContent") == "run"
    background = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(18, 22, 29)") == dark
    assert HOSTILE in tab.run("document.body.innerText")


def test_words_stand_out_from_what_is_behind_them(tab, page):
    """WCAG AA, 4.5 : 1, of all text in both schemes."""
    for dark in (False, True):
        tab.open(page, dark=dark)
        assert tab.run(CONTRAST) == []


def test_a_click_on_the_map_says_which_item_it_is(tab, page):
    tab.open(page)
    data = json.loads(tab.run("document.getElementById('map-data').textContent"))
    tab.run("document.getElementById('scatter').scrollIntoView({behavior: 'instant'})")
    where = "document.querySelectorAll('#scatter circle')[7].getBoundingClientRect()"
    box = tab.run(f"JSON.stringify({where})")
    x, y = (json.loads(box)[side] + json.loads(box)["width"] / 2 for side in ("x", "y"))
    tab.move(x, y)
    tab.click(x, y)
    panel = tab.run("document.getElementById('map-item').innerText")
    assert data["names"][7] in panel
    assert tab.run("document.querySelectorAll('#scatter .marked').length") == 1
    assert data["columns"][0]["values"][7] in panel
    assert quiet(tab)


def test_layout_and_colour_can_be_chosen(tab, page):
    tab.open(page)
    first = "document.querySelector('#scatter circle').getAttribute"
    before = tab.run(f"{first}('cx')")
    change = "{0}.value = '{1}'; {0}.dispatchEvent(new Event('change'))"
    tab.run(change.format("document.getElementById('map-layout')", "PCA"))
    assert tab.run(f"{first}('cx')") != before
    legend = tab.run("document.getElementById('map-legend').innerText")
    assert HOSTILE in legend
    tab.run(change.format("document.getElementById('map-column')", "1"))
    assert tab.run("document.getElementById('map-legend').innerText") != legend
    assert quiet(tab)


def test_everything_is_reached_by_tab_and_arrows_walk_the_map(tab, page):
    tab.open(page)
    seen = []
    for _ in range(120):
        tab.press("Tab")
        seen.append(tab.run("document.activeElement.id || document.activeElement.tagName"))
        if seen[-1] == "scatter":
            break
    assert {"A", "map-layout", "map-column", "scatter"} <= set(seen)
    tab.press("ArrowRight")
    one = tab.run("document.getElementById('map-item').innerText")
    tab.press("ArrowRight")
    tab.press("ArrowUp")
    assert tab.run("document.getElementById('map-item').innerText") != one
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_every_picture_and_control_has_a_name(tab, page):
    tab.open(page)
    tree = tab.ask("Accessibility.getFullAXTree")["nodes"]
    need = {"image", "img", "combobox", "slider", "link", "button"}
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value") in need
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    headings = tab.run(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(headings))


def test_curves_say_their_values_and_are_smoothed(tab, page):
    tab.open(page)
    chart = "document.querySelector('#training svg.curve')"
    line = f"{chart}.querySelector('polyline').getAttribute('points')"
    before = tab.run(line)
    tab.run(chart + ".scrollIntoView({behavior: 'instant'})")
    box = json.loads(tab.run(f"JSON.stringify({chart}.getBoundingClientRect())"))
    tab.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    assert "step" in tab.run(f"{chart}.querySelector('.reading').textContent")
    slider = "document.getElementById('smoothing')"
    tab.run(f"{slider}.value = 0.9; {slider}.dispatchEvent(new Event('input'))")
    after = tab.run(line)
    assert after != before

    def rough(points):
        heights = [float(pair.split(",")[1]) for pair in points.split()]
        return sum(abs(b - a) for a, b in itertools.pairwise(heights))

    assert rough(after) < rough(before)
    assert quiet(tab)


def test_it_prints(tab, page):
    tab.open(page)
    found = tab.ask("Page.printToPDF", printBackground=True)["data"]
    assert len(found) > 10_000
    assert quiet(tab)


def test_runs_side_by_side_fit_too(tab, tmp_path):
    folders = [a_run(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        with_steps(folder, [{"loss": 2.0}, {"loss": 1.0}])
    path = compare_runs([folder.path for folder in folders])
    for width in (1280, 390):
        tab.open(path, width=width)
        assert quiet(tab)
        assert tab.run("document.documentElement.scrollWidth") <= width


def test_a_watched_page_renews_itself(tab, tmp_path):
    run = a_run(tmp_path / "run")
    with_steps(run, [{"loss": 2.0}])
    urls = Queue()
    kwargs = {"started": urls.put}
    threading.Thread(target=watch, args=(run.path,), kwargs=kwargs, daemon=True).start()
    tab.open(urls.get(timeout=20))
    assert "step 1 of 50" in tab.run("document.body.innerText")
    with_steps(run, [{"loss": 2.0}, {"loss": 1.0}])
    tab._events.clear()
    tab._wait("Page.loadEventFired")
    assert "step 2 of 50" in tab.run("document.body.innerText")
    assert tab.complaints == []
    assert {url.partition("/version")[0].rstrip("/") for url in tab.requests} == {
        tab.run("location.origin")
    }


CONTRAST = """(() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? [...numbers.slice(0, 3).map((n) => 255 * n), numbers[3] ?? 1]
      : [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (top, below) => top.slice(0, 3).map((n, i) => n * top[3] + below[i] * (1 - top[3]));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((n) => n / 255).map((n) =>
      n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const own = parse(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(node.parentElement));
  };
  const weak = [];
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !node.getClientRects().length) continue;
    if (node.closest("script, style, option")) continue;
    const style = getComputedStyle(node);
    const colour = parse(node.closest("svg") ? style.fill : style.color);
    const ground = behind(node);
    const [a, b] = [light(over(colour, ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${walk.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return weak;
})()"""
