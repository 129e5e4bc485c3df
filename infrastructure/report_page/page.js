"use strict";
// Draws the plots in the colours of the page, again when those change, and on paper always in light ones.
const root = document.documentElement;
const narrow = matchMedia("(max-width: 40rem)");

function colour(name) {
  return getComputedStyle(root).getPropertyValue(name).trim();
}

function axis(given) {
  const [line, soft] = [colour("--line"), colour("--soft")];
  return {
    ...given, automargin: true, gridcolor: line, linecolor: line, zerolinecolor: line,
    tickfont: { color: soft }, title: { ...given.title, font: { color: soft } },
  };
}

function layoutOf(given) {
  return {
    ...given,
    template: {},
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway: ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(colour),
    font: { family: getComputedStyle(document.body).fontFamily, size: narrow.matches ? 12 : 13, color: colour("--ink") },
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") }, align: "left" },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    margin: { l: 8, r: 8, t: 8, b: 8 },
    dragmode: narrow.matches ? false : "zoom",
    xaxis: axis(given.xaxis || {}),
    yaxis: axis(given.yaxis || {}),
  };
}

// A trace that names a colour gets it; others have the next of the colourway.
function coloured(trace) {
  const name = trace.meta && trace.meta.colour;
  if (!name) return trace;
  const found = colour(name);
  return {
    ...trace, fillcolor: `${found}40`,
    line: { ...trace.line, color: found }, marker: { ...trace.marker, color: found },
  };
}

function draw() {
  for (const [name, figure] of Object.entries(FIGURES)) {
    Plotly.react(`${name}-plot`, structuredClone(figure.data).map(coloured), layoutOf(figure.layout), {
      responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      displayModeBar: narrow.matches ? false : "hover",
    });
  }
}

let closed = [];
addEventListener("beforeprint", () => {
  root.classList.add("printing");
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
  draw();
});
addEventListener("afterprint", () => {
  root.classList.remove("printing");
  for (const details of closed) details.open = false;
  draw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
narrow.addEventListener("change", draw);
draw();
