// The status page: what /api/status says, drawn anew when the server says that it has changed. No text of it is HTML.
"use strict";

const NAMES = { hpc: "HPC", kubernetes: "Kubernetes", moving: "being handed over", nobody: "open to neither", both: "open to both" };
const SHOWN = 4;
const AGAIN_MS = 5000;
const LEGEND = "Line: what came. Dashed: what is expected, with half of what may come in the darker band and nine tenths in the wider. Faint band: what had been forecast an hour before.";
const byId = (id) => document.getElementById(id);
const opened = new Set();
let status = null;
let charts = null;
let versions = {};
let lastHeard = 0;

/** An element with its children; texts become text nodes, and false ones are left out. */
function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== false && child !== null));
  return made;
}

/** A time in UTC; without the date where it is today's. */
function time(seconds) {
  const text = new Date(seconds * 1000).toISOString();
  const today = new Date((status ? status.now_s : 0) * 1000).toISOString().slice(0, 10) === text.slice(0, 10);
  return today ? text.slice(11, 16) : text.slice(0, 16).replace("T", " ");
}

/** A span of time in words. */
function span(seconds) {
  const away = Math.abs(seconds);
  if (away < 120) return Math.round(away) + " s";
  return away < 7200 ? Math.round(away / 60) + " min" : Math.round(away / 3600) + " h";
}

/** A table; on a narrow screen each row is a block that names its cells. */
function table(heads, rows) {
  const drawn = rows.map((row) => el("tr", {}, row.map((cell, n) => el("td", { "data-name": heads[n] || null }, cell))));
  return el("table", { class: "wide" }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", {}, head)))), el("tbody", {}, drawn));
}

/** A part that a person may open, and that stays open when it is drawn anew. */
function folding(key, title, ...children) {
  const made = el("details", {}, el("summary", {}, title), children);
  made.open = opened.has(key);
  made.addEventListener("toggle", () => (made.open ? opened.add(key) : opened.delete(key)));
  return made;
}

function fill(id, ...children) {
  byId(id).replaceChildren(...children.flat());
}

function draw() {
  byId("site").textContent = "· " + status.site;
  document.title = "Tidegate · " + status.site;
  fill("notices", notices());
  drawPools();
  fill("handovers", status.handovers.length ? table(["node", "to", "stage", "since", "gives up", "id", ""], status.handovers.map(handover))
    : el("p", { class: "soft" }, "No hand-over is under way."));
  fill("takeovers", status.takeovers.length ? someTakeovers(status.takeovers)
    : el("p", { class: "soft" }, "None is, and none comes within a week."));
  fill("unknown", status.unknown.length ? table(["what", "until when"], status.unknown.map((one) => [one.what, one.until]))
    : el("p", { class: "soft" }, "Nothing: all that this page shows is known."));
  fill("parts", table(["part", "how it is"], status.parts.map((one) => [one.part, el("span", { class: one.well ? null : "bad" }, one.text || "runs")])));
  drawOrders();
  byId("main").hidden = false;
}

function notices() {
  const found = [];
  const say = (bad, ...what) => found.push(el("p", { class: bad ? "notice bad" : "notice" }, ...what));
  if (status.orders && status.orders.paused) say(false, `All moves are paused ${status.orders.ordered[""] || "by a person"}; open hand-overs ${status.orders.paused}.`);
  for (const [pool, how] of Object.entries(status.orders ? status.orders.pools : {})) say(false, `Moves of pool ${pool} are paused ${status.orders.ordered[pool] || "by a person"}; open hand-overs ${how}.`);
  for (const pool of status.pools) {
    for (const hold of pool.plan ? pool.plan.holds : []) if (hold.switch !== "paused") say(true, `Pool ${pool.name}: ${hold.text}`);
    for (const work of pool.plan ? pool.plan.unserved : []) say(work.for_good, `Pool ${pool.name}: ${work.text}`);
    if (pool.plan && pool.plan.old) say(true, `Pool ${pool.name}: its last plan is of ${time(pool.plan.at_s)}, so it is old.`);
  }
  for (const one of status.handovers) if (one.stage === "stuck") say(true, `Node ${one.node} needs a person: hand-over ${one.id} is stuck. The log says what to run; its story: tidegate handovers AUDIT --show ${one.id}`);
  for (const one of status.parts) if (!one.well) say(true, `${one.part}: ${one.text}`);
  return found;
}

/** The frame of each pool is made once, as its charts live in it; what it says is replaced. */
function drawPools() {
  const frames = byId("pools");
  const names = status.pools.map((pool) => pool.name);
  if ([...frames.children].map((frame) => frame.dataset.pool).join("\n") !== names.join("\n")) {
    frames.replaceChildren(...names.map((name) => el("article", { class: "pool", "data-pool": name },
      el("h2", {}, "Pool " + name), el("div", { class: "said" }), el("div", { class: "pair" }), el("p", { class: "soft small legend-text" }, LEGEND), el("div", { class: "ribbon" }), el("div", { class: "plan" }))));
    drawCharts();
  }
  status.pools.forEach((pool, n) => {
    frames.children[n].querySelector(".said").replaceChildren(...said(pool));
    frames.children[n].querySelector(".legend-text").hidden = !pool.sides.length;
    frames.children[n].querySelector(".plan").replaceChildren(...plan(pool));
  });
}

function said(pool) {
  const bar = el("div", { class: "bar", role: "img", "aria-label": pool.sentence }, pool.owners.map((one) => el("span", { class: one.owner, title: `${NAMES[one.owner]}: ${one.count}` })));
  [...bar.children].forEach((part, n) => part.style.setProperty("flex-grow", pool.owners[n].count));
  const legend = el("ul", { class: "legend" }, pool.owners.map((one) => el("li", {}, el("i", { class: one.owner }), `${NAMES[one.owner]} ${one.count}`)));
  const lists = pool.owners.map((one) => el("p", {}, `${NAMES[one.owner]}: `, el("code", {}, one.nodes)));
  const needs = pool.sides.map((one) => el("p", { class: one.old ? "bad" : "soft" }, need(one)));
  return [el("p", {}, el("strong", {}, pool.sentence)), pool.owners.length && bar, pool.owners.length && legend, ...needs,
    pool.owners.length && folding("nodes/" + pool.name, "which nodes", lists)].filter(Boolean);
}

function need(side) {
  const last = side.ahead[side.ahead.length - 1];
  const ahead = last ? `; in ${span(last.at_s - side.made_at_s)} ${last.low.toFixed(1)} to ${last.high.toFixed(1)} (${side.source})` : "";
  return `${NAMES[side.side]} could use ${side.now.toFixed(1)} nodes${side.old ? " at " + time(side.made_at_s) + ", which is old" : " now"}${ahead}`;
}

function plan(pool) {
  const made = pool.plan;
  if (!made) return [];
  const row = (group) => [el("span", { class: "short" }, group.direction ? "to " + NAMES[group.direction.split("->")[1]] : "stays"),
    el("span", { class: "short" }, group.count + (group.count === 1 ? " node" : " nodes")), el("span", {}, group.text + gain(group)), el("code", {}, shorter(group.nodes))];
  const rows = [...made.moves, ...made.stays].map(row);
  if (made.turned_back.length) rows.push(["turned back", made.turned_back.length + " hand-overs", "no longer wanted", el("code", {}, made.turned_back.join(", "))]);
  return [el("h3", {}, "The plan"), el("p", { class: made.old ? "bad" : "soft" }, `Decided at ${time(made.at_s)}: Kubernetes has ${made.current} nodes and should have ${made.target}.`),
    table(["", "how many", "why", "which"], rows), made.left_out && el("p", { class: "soft" }, made.left_out + " nodes more, for which the bus had no room.")].filter(Boolean);
}

function gain(group) {
  return group.gain === null || group.gain === undefined ? "" : ` (together: gain ${group.gain.toFixed(2)}, cost ${group.cost.toFixed(2)})`;
}

function shorter(text) {
  return text.length > 160 ? text.slice(0, 160) + "…" : text;
}

function handover(one) {
  const late = ["stuck", "cancelling", "opening"].includes(one.stage);
  const button = status.writable && !late && el("button", { type: "button", onclick: () => order("POST", `/api/handovers/${encodeURIComponent(one.id)}/cancel`) }, "Turn back");
  const booked = one.stage === "reserved" && one.reserved_from_s !== null ? ` from ${time(one.reserved_from_s)}${one.loan ? ", a loan" : ""}` : "";
  const stage = el("span", { class: one.stage === "stuck" ? "bad" : null }, one.stage + booked + (one.why ? ` (${one.why})` : ""));
  return [one.node, NAMES[one.direction.split("->")[1]], stage, span(status.now_s - one.stage_since_s), time(one.deadline_s), el("code", {}, one.id), button || ""];
}

/** The next few, and the others folded away. */
function someTakeovers(all) {
  const heads = ["takeover", "pool", "nodes", "for", "from", "until", ""];
  const more = all.slice(SHOWN);
  return [table(heads, all.slice(0, SHOWN).map(takeover)), ...(more.length ? [folding("takeovers", `${more.length} more within a week`, table(heads, more.map(takeover)))] : [])];
}

function takeover(one) {
  const button = one.id && status.writable && el("button", { type: "button", onclick: () => order("DELETE", "/api/takeovers/" + encodeURIComponent(one.id)) }, "Cancel");
  return [one.by ? `${one.name} (asked by ${one.by})` : one.name, one.pool, one.nodes || "all", NAMES[one.side], time(one.from_s), time(one.to_s), button || ""];
}

/** The forms are made once, so that nothing typed is lost; the pools to choose from follow. */
function drawOrders() {
  const place = byId("ordering");
  if (!status.writable) {
    if (!place.firstChild) place.append(el("p", { class: "soft" }, "This page only shows: no spec.page.adminToken is in the site file."));
    return;
  }
  if (!place.firstChild) place.append(...forms());
  const pools = status.pools.map((pool) => pool.name);
  for (const choice of place.querySelectorAll("select[name=pool]")) {
    const wanted = [...(choice.dataset.all ? ["all pools"] : []), ...pools];
    if ([...choice.options].map((one) => one.text).join() !== wanted.join()) {
      choice.replaceChildren(...wanted.map((name) => el("option", { value: name === "all pools" ? "" : name }, name)));
    }
  }
}

function forms() {
  const pool = (all) => el("label", {}, "Pool", el("select", { name: "pool", "data-all": all ? "yes" : null }));
  const whose = () => ({ pool: pausing.elements.pool.value || null, why: pausing.elements.why.value.trim() });
  const pausing = el("form", { "aria-label": "Pause and resume", onsubmit: (event) => event.preventDefault() }, pool(true),
    el("label", {}, "Why", el("input", { name: "why", maxlength: 200, size: 24, autocomplete: "off" })),
    el("button", { type: "button", onclick: () => pause("finish") }, "Pause"),
    el("button", { type: "button", onclick: () => pause("revert") }, "Pause, and turn back"),
    el("button", { type: "button", onclick: () => order("POST", "/api/resume", whose()) }, "Resume"));
  const pause = (open) => order("POST", "/api/pause", { ...whose(), open });
  const announcing = el("form", { "aria-label": "Announce a takeover", onsubmit: (event) => { event.preventDefault(); announce(announcing.elements); } }, pool(false),
    el("label", {}, "For", el("select", { name: "side" }, el("option", { value: "hpc" }, "HPC"), el("option", { value: "kubernetes" }, "Kubernetes"))),
    el("label", {}, "Nodes, or all", el("input", { name: "nodes", value: "all", size: 6, required: "" })),
    el("label", {}, "From (UTC)", el("input", { name: "at", type: "datetime-local", required: "" })),
    el("label", {}, "Hours", el("input", { name: "hours", type: "number", min: "0.25", max: "720", step: "0.25", value: "4", required: "" })),
    el("button", {}, "Announce a takeover"));
  const token = el("form", { onsubmit: (event) => event.preventDefault() },
    el("label", {}, "Admin token", el("input", { id: "token", type: "password", autocomplete: "off", size: 30 })));
  return [token, pausing, announcing, el("p", { id: "ordered", role: "status" })];
}

function announce(fields) {
  const nodes = fields.nodes.value.trim();
  order("POST", "/api/takeovers", { pool: fields.pool.value, side: fields.side.value, nodes: nodes === "all" ? nodes : Number(nodes),
    at_s: Date.parse(fields.at.value + "Z") / 1000, for_s: Math.round(Number(fields.hours.value) * 3600) });
}

async function order(method, path, body) {
  const said = byId("ordered");
  const headers = { Authorization: "Bearer " + byId("token").value };
  if (body) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined });
    const found = await answer.json();
    said.textContent = found.done || found.error;
    said.className = answer.ok ? "" : "bad";
  } catch (error) {
    said.textContent = "The service does not answer, so whether that was ordered is not known.";
    said.className = "bad";
  }
  said.scrollIntoView({ block: "nearest" });
}

async function load(name) {
  const answer = await fetch("/api/" + name);
  if (!answer.ok) throw new Error(name + ": " + answer.status);
  return answer.json();
}

/** Fetch what is newer than what is shown, one fetch at a time; what changes meanwhile is fetched after it. */
const PLOTLY = document.currentScript.dataset.plotly;
const plotly = document.createElement("script");
let wanted = null;
let fetching = false;
async function follow(newest) {
  lastHeard = Date.now();
  wanted = newest;
  if (fetching) return;
  fetching = true;
  try {
    while (wanted) {
      const next = wanted;
      wanted = null;
      if (next.run !== versions.run || next.status !== versions.status) { status = await load("status"); draw(); }
      loadPlotly();
      if (next.run !== versions.run || next.charts !== versions.charts) { charts = await load("charts"); drawCharts(); }
      versions = next;
    }
  } catch (error) {
    byId("state").textContent = "cannot be read: " + error.message;
    setTimeout(() => follow(wanted || newest), AGAIN_MS);
  } finally {
    fetching = false;
  }
}

/** What draws charts is large: it is loaded once all else can be read. */
function loadPlotly() {
  if (plotly.src) return;
  plotly.addEventListener("load", drawCharts);
  plotly.src = PLOTLY;
  requestAnimationFrame(() => setTimeout(() => document.body.append(plotly), 50));  // what can be read is drawn first
}

function drawCharts() {
  if (charts && window.Plotly && window.tidegateCharts) window.tidegateCharts(charts, status);
}

function tick() {
  const state = byId("state"), away = (Date.now() - lastHeard) / 1000;
  if (!status) return;
  const lost = away > 40;
  state.className = lost ? "bad" : "";
  state.textContent = lost ? `nothing was heard for ${span(away)}: what is below is of ${time(status.now_s)} UTC`
    : `${status.mode === "auto" ? "mode auto" : `mode ${status.mode}: nothing is moved`} · live · as of ${time(status.now_s)} UTC`;
}

function listen() {
  const source = new EventSource("/api/events");
  source.addEventListener("changed", (event) => follow(JSON.parse(event.data)).then(tick));
  source.addEventListener("heartbeat", () => { lastHeard = Date.now(); tick(); });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
setInterval(tick, 5000);
listen();
