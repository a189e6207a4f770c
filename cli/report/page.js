"use strict";
// Draws each chart, one after the other, and those of other horizons when they are chosen, in the colours of page.css, and lets all of them show the same part of the replay.
(() => {
  const HOUR = 3600e3, DAY = 24 * HOUR, ORIGIN = Date.UTC(2001, 0, 1), PRINT_WIDTH = 660;
  const STEPS = [HOUR / 4, HOUR / 2, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY];
  const holder = document.getElementById("window-data");
  if (!holder || !window.Plotly) return;

  const given = JSON.parse(holder.textContent);
  const whole = { from: ORIGIN + given.from * 1e3, to: ORIGIN + given.to * 1e3 };
  // A long replay opens on its first days, where the lines can be told apart.
  let shown = { from: whole.from, to: whole.to - whole.from > 28 * DAY ? whole.from + 14 * DAY : whole.to };
  let printing = false;
  const drawn = new Map();
  const boxes = [...document.querySelectorAll(".chart")];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  const thin = () => (shown.to - shown.from > 28 * DAY ? 0.9 : 1.6);

  const paint = {
    area: (trace) => ({ fillcolor: colour(trace.meta) }),
    band: (trace) => ({ fillcolor: colour(trace.meta) }),
    edge: () => ({}),
    demand: (trace) => ({ line: { color: colour(trace.meta), width: thin() } }),
    median: (trace) => ({ line: { color: colour(trace.meta), width: thin() } }),
    came: () => ({ line: { color: colour("came"), width: thin() - 0.2 } }),
  };

  const readFigure = (box) => {
    const figure = JSON.parse(document.getElementById(box.id + "-data").textContent);
    for (const trace of figure.data) trace.x = figure.xs[trace.x];
    return figure;
  };

  const ticks = (width) => {
    const step = STEPS.find((size) => (shown.to - shown.from) / size <= Math.max(3, width / 85)) || 182 * DAY;
    const day = whole.to - ORIGIN > 365 * DAY ? "year %-y, day %-j" : "day %-j";
    return { dtick: step, tick0: ORIGIN, tickformat: step < DAY ? "%H:%M\n" + day : day };
  };

  const styled = (axis, more) => ({ ...axis, gridcolor: colour("rule"), linecolor: colour("soft"), tickcolor: colour("soft"), ...more });

  const layoutOf = (figure, width) => {
    const layout = {
      ...figure.layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("ink"), size: 12, family: getComputedStyle(document.body).fontFamily },
      margin: { l: 52, r: 8, t: 8, b: 40 },
      hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("soft"), font: { color: colour("ink"), size: 12 } },
      hoversubplots: "axis",
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
    for (const name of Object.keys(layout)) {
      if (name === "xaxis") layout[name] = styled(layout[name], { showgrid: false, range: [shown.from, shown.to], ticks: "outside", ...ticks(width) });
      if (name.startsWith("yaxis")) layout[name] = styled(layout[name], { nticks: 6 });
    }
    return printing ? { ...layout, width: PRINT_WIDTH } : { ...layout, autosize: true };
  };

  const draw = (box) => {
    const figure = drawn.get(box) || readFigure(box);
    const data = figure.data.map((trace) => ({ ...trace, line: { ...trace.line }, ...paint[trace.meta.split("-").pop()](trace) }));
    const config = { displaylogo: false, responsive: true, displayModeBar: false, showTips: false, doubleClick: false };
    const isNew = !drawn.has(box);
    drawn.set(box, figure);
    Plotly.react(box, data, layoutOf(figure, printing ? PRINT_WIDTH : box.clientWidth), config);
    if (isNew) {
      box.on("plotly_relayout", (change) => followed(change));
      box.on("plotly_doubleclick", () => show(whole.from, whole.to));
    }
  };

  // A zoom by the pointer in one chart becomes the window of all.
  const followed = (change) => {
    const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range[0] === undefined || range[1] === undefined) return;
    const [from, to] = range.map((at) => (typeof at === "number" ? at : Date.parse(at.replace(" ", "T") + (at.length > 10 ? "Z" : ""))));
    if (Math.abs(from - shown.from) > 1 || Math.abs(to - shown.to) > 1) show(from, to);
  };

  const show = (from, to) => {
    const length = Math.min(Math.max(to - from, given.least * 1e3), whole.to - whole.from);
    const start = Math.min(Math.max(from, whole.from), whole.to - length);
    shown = { from: start, to: start + length };
    for (const box of drawn.keys()) draw(box);
    tellWindow();
  };

  const bar = document.querySelector(".window");
  const spanButtons = [...bar.querySelectorAll("[data-days]")], stepButtons = [...bar.querySelectorAll("[data-step]")];
  const isWhole = () => shown.to - shown.from >= whole.to - whole.from;
  const moment = (ms) => `day ${Math.floor((ms - ORIGIN) / DAY) + 1}, ${new Date(ms).toISOString().slice(11, 16)}`;
  const end = (ms) => ((ms - ORIGIN) % DAY ? moment(ms) : `day ${(ms - ORIGIN) / DAY}, 24:00`);

  const tellWindow = () => {
    for (const button of spanButtons) {
      const days = Number(button.dataset.days);
      button.setAttribute("aria-pressed", String(days ? Math.abs(shown.to - shown.from - days * DAY) < 1 : isWhole()));
    }
    for (const button of stepButtons) button.disabled = button.dataset.step < 0 ? shown.from <= whole.from : shown.to >= whole.to;
    bar.querySelector("output").textContent = `${moment(shown.from)} – ${end(shown.to)}`;
  };

  for (const button of spanButtons) {
    const days = Number(button.dataset.days);
    button.hidden = days > 0 && (days * DAY >= whole.to - whole.from || days * 86400 < given.least);
    button.addEventListener("click", () => (days ? show(shown.from, shown.from + days * DAY) : show(whole.from, whole.to)));
  }
  for (const button of stepButtons) {
    button.addEventListener("click", () => {
      const by = Number(button.dataset.step) * (shown.to - shown.from);
      show(shown.from + by, shown.to + by);
    });
  }
  bar.hidden = false;
  tellWindow();

  for (const input of document.querySelectorAll(".choice input")) {
    input.addEventListener("change", () => {
      for (const other of document.getElementsByName(input.name)) document.getElementById(other.value + "-figure").hidden = other !== input;
    });
  }

  const visible = (box) => !box.closest("[hidden]");
  const eye = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      eye.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "300px" });
  boxes.filter((box) => !visible(box)).forEach((box) => eye.observe(box));
  const waiting = boxes.filter(visible);
  const drawNext = () => {
    const box = waiting.shift();
    if (!box) return;
    draw(box);
    setTimeout(drawNext, 0);
  };
  drawNext();

  const repaint = () => drawn.forEach((_, box) => draw(box));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  const printed = (on) => {
    printing = on;
    document.documentElement.classList.toggle("printing", on);
    if (on) boxes.filter(visible).forEach(draw);
    else repaint();
  };
  addEventListener("beforeprint", () => printed(true));
  addEventListener("afterprint", () => printed(false));
})();
