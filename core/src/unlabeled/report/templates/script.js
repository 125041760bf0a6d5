"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  // Curves: a line that says the values below the pointer, and one slider that smooths all.
  for (const chart of document.querySelectorAll("svg.curve")) {
    const [left, bottom, right, x0, x1, y0, y1] = chart.dataset.axes.split(" ").map(Number);
    const { width, height } = chart.viewBox.baseVal;
    const lines = [...chart.querySelectorAll("polyline")].map((node) => ({
      node,
      name: node.dataset.name,
      points: node.getAttribute("points").split(" ").map((pair) => pair.split(",").map(Number)),
    }));
    for (const line of lines) line.shown = line.points;
    const reading = document.createElementNS(SVG, "g");
    reading.setAttribute("class", "reading");
    chart.append(reading);
    const step = (x) => x0 + (x - left) / (width - left - right) * (x1 - x0);
    const value = (y) => y0 + (height - bottom - y) / (height - bottom - 8) * (y1 - y0);
    const draw = (name, attributes, text) => {
      const node = document.createElementNS(SVG, name);
      for (const key in attributes) node.setAttribute(key, attributes[key]);
      if (text !== undefined) node.textContent = text;
      return node;
    };
    let at = -1;
    const read = (x) => {
      at = Math.min(Math.max(x, left), width - right);
      const found = lines.map((line) => {
        const near = line.shown.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
        return { near, words: `${line.name} ${value(near[1]).toPrecision(4)}`.trim() };
      });
      const words = [`step ${Math.round(step(found[0].near[0]))}`, ...found.map((f) => f.words)];
      const wide = 8 + 6.2 * Math.max(...words.map((w) => w.length)), x2 = found[0].near[0];
      const corner = x2 + wide + 10 > width ? x2 - wide - 6 : x2 + 6;
      reading.replaceChildren(
        draw("line", { x1: x2, x2, y1: 8, y2: height - bottom }),
        draw("rect", { x: corner, y: 8, width: wide, height: 6 + 14 * words.length, rx: 4 }),
        ...words.map((w, n) => draw("text", { x: corner + 5, y: 21 + 14 * n }, w)),
      );
      chart.setAttribute("aria-label", words.join(", "));
    };
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      read((event.clientX - box.left) * width / box.width);
    });
    chart.addEventListener("pointerleave", () => reading.replaceChildren());
    chart.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      event.preventDefault();
      read(at < 0 ? left : at + way * (width - left - right) / 40);
    });
    chart.smooth = (share) => {
      for (const line of lines) {
        let mean = line.points[0][1], weight = 0;
        line.shown = line.points.map(([x, y]) => {
          // As an average whose start is not held to the first value (Kingma and Ba 2015).
          weight = share * weight + (1 - share);
          mean += (1 - share) / weight * (y - mean);
          return [x, mean];
        });
        line.node.setAttribute("points", line.shown.map((p) => p.join(",")).join(" "));
      }
    };
  }
  const smoothing = document.getElementById("smoothing");
  if (smoothing) {
    smoothing.addEventListener("input", () => {
      for (const chart of document.querySelectorAll("svg.curve")) chart.smooth(Number(smoothing.value));
    });
  }

  // The map: layout, colours, and the item below the pointer or reached by arrow keys.
  const data = document.getElementById("map-data");
  const chart = document.getElementById("scatter");
  if (data && chart) {
    const map = JSON.parse(data.textContent);
    const dots = [...chart.querySelectorAll("circle")];
    const panel = document.getElementById("map-item");
    const legend = document.getElementById("map-legend");
    const layout = document.getElementById("map-layout");
    const chosen = document.getElementById("map-column");
    const side = chart.viewBox.baseVal.width, edge = 14;
    let current = -1, pinned = false;

    const place = () => {
      const places = map.layouts[layout.value];
      dots.forEach((dot, n) => {
        dot.setAttribute("cx", edge + places[n][0] * (side - 2 * edge));
        dot.setAttribute("cy", side - edge - places[n][1] * (side - 2 * edge));
      });
    };
    const colour = () => {
      const column = map.columns[Number(chosen.value)];
      chart.setAttribute("class", "scatter " + column.kind);
      dots.forEach((dot, n) => dot.setAttribute("class", "c" + column.colours[n]));
      legend.replaceChildren(...column.legend.map(([number, words]) => {
        const line = make("li", {});
        line.append(make("span", { class: `swatch ${column.kind} c${number}` }), words);
        return line;
      }));
      mark(current);
    };
    const mark = (n) => {
      if (current >= 0) dots[current].classList.remove("marked");
      current = n;
      if (n < 0) return;
      dots[n].classList.add("marked");
      const symbol = document.getElementById("p" + map.places[n]);
      const shown = [];
      if (symbol) {
        const picture = document.createElementNS(SVG, "svg");
        picture.setAttribute("viewBox", "0 0 100 100");
        picture.setAttribute("class", "thumb");
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-label", map.names[n]);
        const use = document.createElementNS(SVG, "use");
        use.setAttribute("href", "#" + symbol.id);
        picture.append(use);
        shown.push(picture);
      }
      const facts = make("dl", {});
      for (const column of map.columns) {
        facts.append(make("dt", {}, column.name), make("dd", {}, column.values[n] || "no value"));
      }
      panel.replaceChildren(make("h3", {}, map.names[n]), ...shown, facts);
    };
    const at = (event) => {
      const box = chart.getBoundingClientRect(), scale = side / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = -1, least = 400;
      dots.forEach((dot, n) => {
        const far = (dot.cx.baseVal.value - x) ** 2 + (dot.cy.baseVal.value - y) ** 2;
        if (far < least) { least = far; best = n; }
      });
      return best;
    };
    const turned = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const beside = (from, [dx, dy]) => {
      const x = dots[from].cx.baseVal.value, y = dots[from].cy.baseVal.value;
      let best = from, least = Infinity;
      dots.forEach((dot, n) => {
        const a = dot.cx.baseVal.value - x, b = dot.cy.baseVal.value - y;
        const ahead = a * dx + b * dy, aside = Math.abs(a * dy) + Math.abs(b * dx);
        if (ahead > 0.01 && ahead + 2 * aside < least) { least = ahead + 2 * aside; best = n; }
      });
      return best;
    };
    chart.addEventListener("pointermove", (event) => {
      const n = pinned ? -1 : at(event);
      if (n >= 0 && n !== current) mark(n);
    });
    chart.addEventListener("click", (event) => {
      const n = at(event);
      pinned = n >= 0;
      if (n >= 0) mark(n);
    });
    chart.addEventListener("keydown", (event) => {
      if (!(event.key in turned)) return;
      event.preventDefault();
      pinned = true;
      mark(current < 0 ? 0 : beside(current, turned[event.key]));
    });
    layout.addEventListener("change", place);
    if (chosen) chosen.addEventListener("change", colour);
  }

  // A page that `unlabeled watch` serves loads itself again when the run has something new.
  const live = document.body.dataset.live;
  if (live) {
    setInterval(async () => {
      const answer = await fetch("version").catch(() => null);
      if (answer && answer.ok && await answer.text() !== live) location.reload();
    }, 3000);
  }
})();
