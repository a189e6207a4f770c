// The charts: fans of forecasts with what came, ribbons of ownership, takeovers on a time line. Colours are the page's.
"use strict";

(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const faded = (name, share) => { const n = parseInt(css(name).slice(1), 16); return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${share})`; };
  const dates = (line) => line.at_s.map((at) => at * 1000);
  const column = (line, n) => line.values.map((row) => row[n]);
  const drawn = new Map();

  /** The frame of all charts: no menu, nothing drags on a touch screen, one line at now. */
  function layout(title, now, more, range) {
    const axis = { gridcolor: css("line"), linecolor: css("line"), zerolinecolor: css("line"), fixedrange: true, automargin: true };
    return {
      title: { text: title, font: { size: 14 }, x: 0, xanchor: "left", pad: { l: 4 } }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: css("ink"), size: 12 }, margin: { l: 34, r: 10, t: 30, b: 40 }, showlegend: false, hovermode: "x unified",
      hoverlabel: { bgcolor: css("back"), font: { color: css("ink") } },
      xaxis: { ...axis, type: "date", nticks: 6, ...(range ? { range } : {}) }, yaxis: { ...axis, rangemode: "tozero" },
      shapes: [{ type: "line", x0: now, x1: now, yref: "paper", y0: 0, y1: 1, line: { color: css("soft"), width: 1, dash: "dot" } }], ...more,
    };
  }

  function put(box, traces, frame) {
    window.Plotly.react(box, traces, frame, { displayModeBar: false, responsive: true });
  }

  /** A box for a chart, made once for each key. */
  function boxOf(parent, key, kind) {
    let box = drawn.get(key);
    if (!box || box.parentNode !== parent) {
      box = document.createElement("div");
      box.className = kind;
      parent.append(box);
      drawn.set(key, box);
    }
    return box;
  }

  const percent = (level) => Math.round(level * 100) + " %";

  function fan(parent, pool, side, now) {
    const colour = side.side, name = side.side === "hpc" ? "HPC" : "Kubernetes", last = side.levels.length - 1, middle = last >> 1;
    const band = (line, low, high, title, share) => [
      { x: dates(line), y: column(line, low), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false },
      { x: dates(line), y: column(line, high), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: faded(colour, share), name: title, hoverinfo: "skip" },
    ];
    const reach = Math.max(3.6e6, side.ahead.at_s[side.ahead.at_s.length - 1] * 1000 - now), rings = [];
    for (let n = 0; n < middle; n++) rings.push(...band(side.ahead, n, last - n, `${percent(side.levels[n])} to ${percent(side.levels[last - n])}`, 0.18));
    const traces = [
      ...(side.said.at_s.length ? band(side.said, 0, 2, "forecast an hour before", 0.1) : []), ...rings,
      { x: dates(side.ahead), y: column(side.ahead, middle), mode: "lines", line: { color: css(colour), dash: "dash", width: 2 }, name: "expected", hovertemplate: "%{y:.1f}" },
      { x: dates(side.came), y: column(side.came, 0), mode: "lines", line: { color: css("ink"), width: 1.5, shape: "hv" }, name: "what came", hovertemplate: "%{y:.1f}" },
    ];
    put(boxOf(parent, `fan/${pool}/${side.side}`, "chart"), traces, layout(`Nodes that ${name} could use`, now, {}, [now - 3 * reach, now + reach]));
  }

  function ribbon(parent, pool, now) {
    const names = [["hpc", "HPC", 0], ["moving", "in between", 2], ["kubernetes", "Kubernetes", 1]];
    const traces = names.map(([colour, name, n]) => ({ x: dates(pool.owned), y: column(pool.owned, n), stackgroup: "owned", mode: "lines",
      line: { width: 0.5, color: css(colour), shape: "hv" }, fillcolor: faded(colour, 0.75), name, hovertemplate: "%{y}" }));
    put(boxOf(parent, "ribbon/" + pool.name, "chart low"), traces, layout("Who had the nodes", now));
  }

  function takeovers(status, now) {
    const box = document.getElementById("takeover-chart");
    const loans = status.handovers.filter((one) => one.loan && one.stage === "reserved" && one.reserved_from_s !== null);
    box.hidden = !status.takeovers.length && !loans.length;
    if (box.hidden) return;
    const label = (one) => `${one.name} (${one.pool})`;
    const line = (one, from, to, share, width) => ({ x: [from * 1000, to * 1000], y: [label(one), label(one)], mode: "lines",
      line: { width, color: faded(one.side, share) }, showlegend: false, hovertemplate: "%{x}<extra></extra>" });
    const traces = status.takeovers.flatMap((one) => [line(one, one.prepare_s, one.from_s, 0.35, 8), line(one, one.from_s, one.to_s, 1, 16)]);
    traces.push(...loans.map((one) => ({ x: [one.reserved_from_s * 1000], y: [`loans (${one.pool})`], mode: "markers", text: [one.node],
      marker: { symbol: "diamond", size: 11, color: css("kubernetes") }, showlegend: false, hovertemplate: "%{text}, from %{x}<extra></extra>" })));
    const title = `Takeovers, the thin part prepares${loans.length ? "; a diamond is a node's loan" : ""}`;
    const frame = layout(title, now, { hovermode: "closest" });
    frame.yaxis = { ...frame.yaxis, type: "category", rangemode: "normal", autorange: "reversed" };
    put(box, traces, frame);
  }

  window.tidegateCharts = (charts, status) => {
    const now = charts.now_s * 1000;
    for (const pool of charts.pools) {
      const frame = [...document.querySelectorAll(".pool")].find((one) => one.dataset.pool === pool.name);
      if (!frame) continue;
      for (const side of pool.sides) fan(frame.querySelector(".pair"), pool.name, side, now);
      if (pool.owned.at_s.length > 1) ribbon(frame.querySelector(".ribbon"), pool, now);
    }
    takeovers(status, now);
  };
})();
