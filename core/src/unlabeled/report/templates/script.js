"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };

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
})();
