// The page: asks the server for JSON, takes events from its stream, and draws both. What comes from the journal may be
// anything, and gets into the page as text alone.
"use strict";

const $ = (id) => document.getElementById(id);
const views = ["events", "consumers", "letters", "deadlines", "trace", "health"];
const panel_of = (view) => $(view === "health" ? "health-view" : view);
const rows_kept = 400;       // of events in the page
const rows_most = 4000;      // with older ones that were asked for
const poll_ms = 1000;

let view = "events";
let status = null;           // the last answer of /api/status

// --- elements and texts

// Characters that move the text about or cannot be seen, as escapes.
function visible(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (each) => "\\u" + each.charCodeAt(0).toString(16).padStart(4, "0"));
}

function el(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") { for (const [event, act] of Object.entries(value)) made.addEventListener(event, act); }
    else if (name === "text") made.textContent = visible(value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((each) => each !== null && each !== undefined));
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const count_text = (number) => Number(number).toLocaleString("en-US");
const problems_text = (count) => `${count_text(count)} problem${count === 1 ? "" : "s"}`;
function rate_text(rate) {
  return rate >= 10 || rate === 0 ? count_text(Math.round(rate)) : rate.toFixed(1);
}
function span_text(us) {
  const size = Math.abs(us);
  if (size < 1000) return `${Math.round(us)} µs`;
  if (size < 1e6) return `${+(us / 1e3).toPrecision(3)} ms`;
  if (size < 60e6) return `${+(us / 1e6).toPrecision(3)} s`;
  const minutes = Math.floor(size / 60e6), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return `${minutes} min ${Math.floor(size / 1e6) % 60} s`;
}
// Of a time such as 2026-01-31T09:30:00.123456Z, in microseconds.
function micros(time) {
  const point = time.lastIndexOf(".");
  return Date.parse(time.slice(0, point) + "Z") * 1000 + Number(time.slice(point + 1, -1));
}
function clock_text(time) {
  const at = new Date(time);
  const pad = (number) => String(number).padStart(2, "0");
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.getMonth() + 1}/${at.getDate()} `;
  return `${day}${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${time.slice(time.lastIndexOf(".") + 1, -1)}`;
}

// --- asking

class refused extends Error {}

async function ask(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) query.append(name, each);
  }
  const answer = await fetch(query.size ? `${path}?${query}` : path);
  const told = await answer.json();
  if (!answer.ok) throw new refused(told.message);
  return told;
}

async function act(what, request) {
  const answer = await fetch(`/api/${what}`, {
    method: "POST", headers: { "Content-Type": "application/json", "X-Tyto": "1" }, body: JSON.stringify(request) });
  const told = await answer.json();
  if (!answer.ok) throw new refused(told.message);
  return told;
}

let notice_ends = 0;
function say(text, failed = false) {
  $("notice").textContent = visible(text);
  $("notice").classList.toggle("failed", failed);
  $("notice").hidden = false;
  clearTimeout(notice_ends);
  if (!failed) notice_ends = setTimeout(() => { $("notice").hidden = true; }, 8000);
}

let is_lost = false;  // the server
function note_lost(lost) {
  if (lost && !is_lost) say("The server does not answer; the page goes on when it does.", true);
  if (!lost && is_lost) $("notice").hidden = true;
  is_lost = lost;
}

// Runs what a button does, and shows what it fails with.
async function try_to(work, done) {
  try {
    const told = await work();
    if (done) say(done(told));
  } catch (why) {
    if (why instanceof refused) say(why.message, true);
    else note_lost(true);
  }
  poll_now();
}

// --- events

const feed = { source: null, pending: [], is_paused: false, missed: 0, text: "", filter: {}, oldest: null, frame: 0, seen: 0 };
const known_types = new Set();

// What the field says, as parameters of a request.
function parse_filter(text) {
  const said = text.trim();
  if (said === "") return {};
  if (said.includes("|")) return { stream: said };
  if (said.includes("=")) return { where: said };
  const words = said.split(/\s+/);
  const types = words.filter((each) => each.includes(".") || known_types.has(each));
  const categories = words.filter((each) => !types.includes(each));
  return { type: types.length ? types : undefined, category: categories.length ? categories : undefined };
}

function event_row(event, is_new, place = `${event.stream} #${event.sequence_number}`) {
  const payload = event.unreadable ? "(cannot be read)" : JSON.stringify(event.payload);
  const open = () => show_event(event);
  const row = el("tr", { tabindex: "0", class: is_new ? "new" : undefined, "data-position": event.position,
    on: { click: open } },
    el("td", { class: "number", text: event.position }),
    el("td", { text: clock_text(event.time).slice(0, -3), title: event.time }),
    el("td", { text: event.type, title: event.type }),
    el("td", { text: place, title: event.stream }),
    el("td", { text: payload.length > 300 ? payload.slice(0, 300) + "…" : payload }));
  row.open = open;
  return row;
}

function note_type(type) {
  if (known_types.has(type) || known_types.size > 500) return;
  known_types.add(type);
  $("types").append(el("option", { value: type }));
}

function set_feed(state, text) {
  $("feed").className = "feed " + state;
  $("feed").textContent = text;
}

// Only the latest of what has come since the last frame is read and drawn.
function draw_pending() {
  feed.frame = 0;
  const fresh = feed.pending.splice(0);
  if (fresh.length === 0) return;
  const rows = [];
  for (const line of fresh.slice(-rows_kept)) {
    const event = JSON.parse(line);
    note_type(event.type);
    rows.unshift(event_row(event, fresh.length < 50));
  }
  $("event-rows").prepend(...rows);
  const body = $("event-rows");
  while (body.rows.length > rows_kept) {
    if (body.lastElementChild === document.activeElement) break;
    feed.oldest = Number(body.lastElementChild.dataset.position);
    body.lastElementChild.remove();
  }
}

function take_event(message) {
  feed.seen = Number(message.lastEventId) || feed.seen;
  if (feed.is_paused) {
    feed.missed += 1;
    set_feed("waiting", `paused, ${count_text(feed.missed)} more`);
  }
  feed.pending.push(message.data);
  if (feed.pending.length > 2 * rows_kept) feed.pending.splice(0, rows_kept);
  if (!feed.is_paused && feed.frame === 0) feed.frame = requestAnimationFrame(draw_pending);
}

// Several events of the field may say so.
function apply_filter() {
  if ($("filter").value !== feed.text) load_events();
}

async function load_events() {
  feed.text = $("filter").value;
  feed.source?.close();
  feed.source = null;
  const mine = feed.filter = parse_filter($("filter").value);
  feed.pending.length = 0;
  set_feed("waiting", "looking");
  let found;
  try {
    found = await ask("/api/events", { ...mine, limit: 100 });
  } catch (why) {
    if (feed.filter !== mine) return;
    if (why instanceof refused) { say(why.message, true); set_feed("lost", "refused"); return; }
    note_lost(true);
    set_feed("lost", "the server does not answer");
    setTimeout(() => { if (feed.filter === mine) load_events(); }, 2000);
    return;
  }
  if (feed.filter !== mine) return;
  found.events.forEach((each) => note_type(each.type));
  $("event-rows").replaceChildren(...found.events.reverse().map((each) => event_row(each, false)));
  feed.oldest = found.before;
  $("older").disabled = found.before === null;
  follow(found.head + 1);
}

function follow(from) {
  const query = new URLSearchParams({ from });
  for (const [name, value] of Object.entries(feed.filter)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) query.append(name, each);
  }
  const source = feed.source = new EventSource(`/events?${query}`);
  source.onmessage = take_event;
  source.addEventListener("caught-up", () => { if (!feed.is_paused) set_feed("live", "live"); });
  source.addEventListener("failure", (message) => {
    source.close();
    set_feed("lost", "failed");
    say(JSON.parse(message.data).message, true);
  });
  source.onerror = () => {
    set_feed("lost", "reconnecting");
    if (source.readyState !== EventSource.CLOSED) return;  // else the browser tries again by itself
    setTimeout(() => { if (feed.source === source) follow(Math.max(from, feed.seen + 1)); }, 2000);
  };
}

async function load_older() {
  if (feed.oldest === null || $("event-rows").rows.length >= rows_most) return;
  $("older").disabled = true;
  await try_to(async () => {
    const found = await ask("/api/events", { ...feed.filter, before: feed.oldest, limit: 200 });
    const last = $("event-rows").lastElementChild;
    $("event-rows").append(...found.events.reverse().map((each) => event_row(each, false)));
    feed.oldest = found.before;
    (last?.nextElementSibling ?? $("older")).focus();
  });
  $("older").disabled = feed.oldest === null;
}

function set_paused(paused) {
  feed.is_paused = paused;
  feed.missed = 0;
  $("pause").setAttribute("aria-pressed", paused);
  $("pause").textContent = paused ? "Go on" : "Pause";
  set_feed(paused ? "waiting" : "live", paused ? "paused" : "live");
  if (!paused) draw_pending();
}

function filter_by(text) {
  close_detail();
  show_view("events");
  $("filter").value = text;
  load_events();
}

// --- one event, one stream

function link(text, act, title) {
  return el("button", { type: "button", class: "link", text, title, on: { click: act } });
}

function fields_of(pairs) {
  const list = el("dl", { class: "fields" });
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(el("dt", { text: name }), el("dd", {}, value instanceof Node ? value : visible(value)));
  }
  return list;
}

// JSON with its names in another colour; long texts break where they must.
function json_block(value) {
  const block = el("pre", { tabindex: "0", "aria-label": "Payload" });
  const lines = JSON.stringify(value, null, 2).split("\n");
  lines.forEach((line, index) => {
    const name = /^(\s*)("(?:[^"\\]|\\.)*")(: )/.exec(line);
    if (name) block.append(name[1], el("span", { class: "key", text: name[2] }), name[3] + visible(line.slice(name[0].length)));
    else block.append(visible(line));
    if (index + 1 < lines.length) block.append("\n");
  });
  return block;
}

let opened_from = null;
function open_detail(title, ...content) {
  $("detail-title").textContent = visible(title);
  $("detail-body").replaceChildren(...content.filter((each) => each !== null));
  if (!$("detail").open) {
    opened_from = document.activeElement;
    $("detail").showModal();
  }
  $("detail").scrollTop = 0;
  $("close").focus();
}
function close_detail() {
  if ($("detail").open) $("detail").close();
}

function show_event(event) {
  const stream = link(`${event.stream} #${event.sequence_number}`, () => show_stream(event.stream), "its history");
  const correlation = event.correlation_id &&
    link(event.correlation_id, () => { close_detail(); trace(event.correlation_id); }, "everything that followed from it");
  open_detail(event.type,
    event.unreadable ? el("p", { class: "bad", text: "Its payload is not MessagePack, and cannot be shown." }) : json_block(event.payload),
    fields_of([
      ["position", count_text(event.position)], ["time", `${clock_text(event.time)}   ${event.time}`], ["stream", stream],
      ["part", event.parts > 1 ? `${event.part + 1} of ${event.parts}` : ""],
      ["schema version", event.schema_version], ["correlation", correlation], ["causation", event.causation_id],
      ["command", event.command_id], ["tags", event.tags.join("  ")],
      ["decision", event.decision_count > 1 ? `event ${event.decision_index + 1} of ${event.decision_count}` : ""]]),
    el("p", { class: "bar" }, link("only events of this type", () => filter_by(event.type)),
      link("only this stream", () => filter_by(event.stream))));
}

async function show_stream(name) {
  await try_to(async () => {
    const found = await ask("/api/stream", { name });
    const rows = el("tbody");
    rows.append(...found.events.map((each) => event_row(each, false, `#${each.sequence_number}`)));
    const first = found.events[0]?.sequence_number ?? found.version + 1;
    const earlier = first > found.first
      ? el("p", { class: "soft", text: `the last ${found.events.length}; ${count_text(first - found.first)} are before them` }) : null;
    open_detail(name,
      el("p", { class: "soft", text: `${count_text(found.version)} events, ${found.state}` +
        (found.first > 1 ? `, the first ${count_text(found.first - 1)} removed` : "") }),
      earlier,
      el("div", { class: "scroll" }, el("table", { class: "events of-stream" }, el("thead", {}, el("tr", {},
        el("th", { class: "number", text: "position" }), el("th", { text: "time" }), el("th", { text: "type" }),
        el("th", { text: "number" }), el("th", { text: "payload" }))), rows)),
      el("p", {}, link("follow it", () => filter_by(name))));
  });
}

// --- plots: the last minutes, as the server has sampled them and as they go on

const past = { samples: [], last: 0 };
const plot_ms = 5 * 60 * 1000;

async function poll_history() {
  const told = await ask("/api/history", { after: past.last });
  if (told.samples.length === 0) return;
  if (told.samples[0].number <= past.last) past.samples.length = 0;
  past.samples.push(...told.samples);
  past.last = past.samples[past.samples.length - 1].number;
  const begin = past.samples[past.samples.length - 1].time_ms - plot_ms;
  while (past.samples.length > 2 && past.samples[0].time_ms < begin) past.samples.shift();
}

// From when to when: what there is, half a minute at least.
function plot_range() {
  const last = past.samples[past.samples.length - 1]?.time_ms ?? Date.now();
  const first = past.samples[0]?.time_ms ?? last;
  return [Math.min(first, last - 30000), last];
}

// Points that change nothing are left out.
function path_of(points, x, y) {
  let path = "";
  points.forEach(([at, value], index) => {
    const is_flat = index > 0 && index + 1 < points.length && points[index - 1][1] === value && points[index + 1][1] === value;
    if (!is_flat) path += `${path ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return path;
}

// The large ones have a margin, with texts.
const large = { width: 300, height: 150, margin: 50, below: 16 };
const small = { width: 100, height: 26, margin: 0, below: 1 };

function label_at(x, y, anchor, text) {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}
function frame_of({ width, height, margin, below }, label, kind) {
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: kind, role: "img", "aria-label": label,
    preserveAspectRatio: margin ? "xMinYMid meet" : "none" });
  drawn.append(svg("line", { class: "axis", x1: margin, x2: width, y1: height - below, y2: height - below }));
  if (margin) {
    const [begin, end] = plot_range();
    drawn.append(label_at(margin, height - 3, "start", `${span_text((end - begin) * 1000)} ago`), label_at(width, height - 3, "end", "now"));
  }
  return drawn;
}

function line_plot(into, points, { size, kind = "", label, show = count_text }) {
  const { width, height, margin, below } = size;
  const [begin, end] = plot_range();
  const most = Math.max(1, ...points.map(([, value]) => value));
  const floor = height - below;
  const x = (at) => margin + (at - begin) / (end - begin) * (width - margin);
  const y = (value) => floor - value / most * (floor - 4);
  const drawn = frame_of(size, label, kind);
  if (points.some(([, value]) => value > 0)) {
    const line = path_of(points, x, y);
    drawn.append(svg("path", { class: "area", d: `${line}L${x(points[points.length - 1][0]).toFixed(1)} ${floor}L${x(points[0][0]).toFixed(1)} ${floor}Z` }),
      svg("path", { class: "line", d: line }));
  }
  if (margin) drawn.append(label_at(margin - 6, 11, "end", show(most)), label_at(margin - 6, floor, "end", "0"));
  into.replaceChildren(drawn);
}

const sample_points = (value) => past.samples.map((each) => [each.time_ms, value(each)]);

function event_rates() {
  return past.samples.slice(1).map((each, index) => {
    const before = past.samples[index];
    return [each.time_ms, Math.max(0, (each.head - before.head) / Math.max(1, each.time_ms - before.time_ms) * 1000)];
  });
}

// Time goes to the right, powers of two upwards; the darker, the more commits.
function heat_map(into, field, show, label) {
  const { width, height, margin, below } = large, columns = 48, floor = height - below;
  const [begin, end] = plot_range();
  const cells = new Map();
  let low = 99, high = -1, most = 1, all = 0;
  for (const each of past.samples) {
    const column = Math.min(columns - 1, Math.floor((each.time_ms - begin) / (end - begin) * columns));
    each[field].forEach((count, power) => {
      if (count === 0) return;
      const key = column * 64 + power;
      const sum = (cells.get(key) ?? 0) + count;
      cells.set(key, sum);
      [low, high, most, all] = [Math.min(low, power), Math.max(high, power), Math.max(most, sum), all + count];
    });
  }
  const drawn = frame_of(large, `${label}: ${count_text(all)} commits`, "");
  if (high < 0) {
    drawn.append(label_at(width / 2, height / 2, "middle", "no commits in this time"));
  } else {
    [low, high] = [Math.max(0, low - 1), Math.max(high + 1, low + 4)];
    const rows = high - low + 1, tall = (floor - 3) / rows, wide = (width - margin) / columns;
    for (const [key, sum] of cells) {
      const column = Math.floor(key / 64), power = key % 64;
      const cell = svg("rect", { class: "cell", x: margin + column * wide, y: 2 + (high - power) * tall, width: wide - 0.6,
        height: tall - 0.6, opacity: (0.18 + 0.82 * Math.log(1 + sum) / Math.log(1 + most)).toFixed(2) });
      const title = svg("title");
      title.textContent = `${count_text(sum)} of ${show(2 ** power)} to ${show(2 ** (power + 1))}`;
      cell.append(title);
      drawn.append(cell);
    }
    const every = Math.ceil(rows / 6);
    for (let power = low; power <= high; power += every) {
      drawn.append(label_at(margin - 6, 2 + (high - power + 0.5) * tall + 3.5, "end", show(2 ** power)));
    }
  }
  into.replaceChildren(drawn);
}

function draw_plots() {
  line_plot($("plot-rate"), event_rates(), { size: large, label: "Events a second", show: rate_text });
  const furthest = (sample) => Math.max(0, ...Object.values(sample.consumers).map(([lag]) => lag));
  line_plot($("plot-lag"), sample_points(furthest), { size: large, label: "The furthest that a consumer is behind" });
  heat_map($("heat-times"), "commit_times_us", span_text, "How long commits take");
  heat_map($("heat-events"), "commit_events", count_text, "How many events a commit has");
}

// --- consumers

const consumer_rows = new Map();  // by name

function consumer_row(name) {
  const cell = (label, kind = "number") => el("td", { class: kind, "data-label": label });
  const spark = () => el("td", { class: "plot" });
  const made = { row: el("tr"), trouble: el("tr", { hidden: true }), why: el("td", { class: "trouble", colspan: "11" }) };
  made.cells = { name: el("td", { class: "name" }), state: el("td"), position: cell("at", "number where"), lag: cell("lag"), lag_plot: spark(),
    rate: cell("a second"), rate_plot: spark(), failures: cell("failures"), failure_plot: spark(), dead: cell("dead"),
    acts: el("td", { class: "acts" }) };
  made.row.append(...Object.values(made.cells));
  made.trouble.append(made.why);
  consumer_rows.set(name, made);
  $("consumer-rows").append(made.row, made.trouble);
  return made;
}

function consumer_acts(of) {
  const button = (text, what, done, danger) => el("button", { type: "button", class: "small" + (danger ? " danger" : ""), text,
    "aria-label": `${text} ${of.consumer}`, on: { click: () => confirm_then(danger, () => try_to(() => act(what, { consumer: of.consumer }), () => done)) } });
  const is_still = of.state === "paused" || of.state === "halted";
  const made = [is_still ? button("Resume", "resume", `'${of.consumer}' goes on`) : button("Pause", "pause", `'${of.consumer}' is paused`)];
  if (of.kind === "projection" && !of.consumer.endsWith("/deadlines")) {
    made.push(button("Reset", "reset", `'${of.consumer}' begins anew at the first event`,
      `Have '${of.consumer}' forget its rows and begin anew at the first event?`));
  }
  return made;
}

function draw_consumers() {
  const names = new Set();
  for (const each of status.consumers) {
    names.add(each.name);
    const { row, cells, trouble, why } = consumer_rows.get(each.name) ?? consumer_row(each.name);
    cells.name.replaceChildren(visible(each.name), el("span", { class: "kind", text: each.kind ?? "" }));
    const state = each.state ?? "stored";
    if (cells.state.textContent !== state) cells.state.replaceChildren(el("span", { class: `state ${state}`, text: state }));
    cells.position.textContent = count_text(each.position);
    cells.lag.textContent = count_text(each.lag);
    cells.lag.title = each.lag_time_us ? `${span_text(each.lag_time_us)} behind` : "";
    cells.rate.textContent = each.events_per_second === undefined ? "" : rate_text(each.events_per_second);
    cells.failures.textContent = each.failures === undefined ? "" : count_text(each.failures);
    cells.dead.replaceChildren(each.parked > 0 ? link(count_text(each.parked), () => show_view("letters")) : "0");
    const mine = past.samples.filter((sample) => each.name in sample.consumers);
    const points = (index) => mine.map((sample) => [sample.time_ms, sample.consumers[each.name][index]]);
    if (view === "consumers" && mine.length > 0) {
      const failures = points(2).map(([at, value], index, all) => [at, Math.max(0, value - (all[index - 1]?.[1] ?? value))]);
      line_plot(cells.lag_plot, points(0), { size: small, kind: "spark", label: `lag of ${each.name}` });
      line_plot(cells.rate_plot, points(1), { size: small, kind: "spark", label: `events a second of ${each.name}` });
      line_plot(cells.failure_plot, failures, { size: small, kind: "spark failures", label: `failures of ${each.name}` });
    }
    const says = [each.last_error, each.last_refusal && `refused ${count_text(each.refused)}, the last: ${each.last_refusal}`].filter(Boolean).join("; ");
    trouble.hidden = says === "";
    row.classList.toggle("has-trouble", says !== "");
    why.textContent = visible(says);
    const acts = status.may_act && status.live ? `${each.state} ${each.kind}` : "";
    if (cells.acts.dataset.of !== acts) {
      cells.acts.dataset.of = acts;
      cells.acts.replaceChildren(...(acts ? consumer_acts(each) : []));
    }
  }
  for (const [name, made] of consumer_rows) {
    if (names.has(name)) continue;
    made.row.remove();
    made.trouble.remove();
    consumer_rows.delete(name);
  }
  $("no-consumers").hidden = names.size > 0;
  const failing = status.consumers.filter((each) => each.state === "failing" || each.state === "halted").length;
  $("count-failing").hidden = failing === 0;
  $("count-failing").textContent = failing;
}

// --- what changes now and then: drawn when it is another

const drawn = new Map();
function is_news(name, data) {
  const text = JSON.stringify(data);
  if (drawn.get(name) === text) return false;
  drawn.set(name, text);
  return true;
}

function confirm_then(question, work) {
  if (!question) return work();
  const yes = el("button", { type: "button", class: "danger", text: "Yes, do it", id: "confirm", on: { click: () => { close_detail(); work(); } } });
  open_detail("Are you sure?", el("p", { text: question }), el("p", {}, yes, " ", el("button", { type: "button", text: "No", on: { click: close_detail } })));
  yes.focus();
}

function letter_row(letter) {
  const open = () => try_to(async () => {
    const found = await ask("/api/events", { from: letter.position, limit: 1 });
    const event = found.events.find((each) => each.position === letter.position);
    if (event) show_event(event);
    else say(`The event at position ${letter.position} was removed.`);
  });
  const give_up = el("button", { type: "button", class: "small danger", text: "Discard", on: { click: (event) => {
    event.stopPropagation();
    confirm_then(`Give up the event at position ${count_text(letter.position)} for '${letter.consumer}'? It will not be handled.`,
      () => try_to(() => act("discard", { consumer: letter.consumer, position: letter.position }), () => `Given up: position ${letter.position}`));
  } } });
  const row = el("tr", { tabindex: "0", on: { click: open } },
    el("td", { class: "number mono", text: count_text(letter.position) }), el("td", { class: "mono", text: letter.type }),
    el("td", { class: "mono", text: letter.stream }),
    el("td", {}, el("span", { class: letter.reason ? "reason" : "soft", text: letter.reason || "waits behind another of its key" })),
    el("td", { class: "number", text: letter.attempts }), el("td", { class: "number", text: clock_text(letter.since).slice(0, -7), title: letter.since }),
    el("td", { class: "acts" }, status?.may_act && status.live ? give_up : null));
  row.open = open;
  return row;
}

function draw_letters(told) {
  if (!is_news("letters", [told, status?.may_act, status?.live])) return;
  $("letter-groups").replaceChildren(...[...by_consumer(told.letters)].map(([consumer, letters]) => {
    const replay = el("button", { type: "button", class: "replay", text: letters.length === 1 ? "Replay it" : `Replay all ${letters.length}`,
      on: { click: (event) => {
        event.currentTarget.disabled = true;
        try_to(() => act("replay", { consumer }), (done) => `${done.handled} handled by '${consumer}'`).finally(() => { drawn.delete("letters"); poll_now(); });
      } } });
    return el("div", { class: "group" },
      el("div", { class: "bar" }, el("h2", { text: consumer }), status?.may_act && status.live ? replay : null),
      el("div", { class: "scroll" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { class: "number", text: "position" }), el("th", { text: "type" }), el("th", { text: "stream" }),
          el("th", { text: "reason" }), el("th", { class: "number", text: "attempts" }), el("th", { text: "since" }), el("th"))),
        el("tbody", {}, ...letters.map(letter_row)))));
  }));
  if (told.unlisted > 0) $("letter-groups").append(el("p", { class: "soft", text: `and ${count_text(told.unlisted)} more` }));
  $("no-letters").hidden = told.letters.length > 0;
}

function by_consumer(letters) {
  const groups = new Map();
  for (const each of letters) groups.set(each.consumer, [...(groups.get(each.consumer) ?? []), each]);
  return groups;
}

function draw_deadlines(told) {
  const now = Date.now() * 1000;
  const left = (each) => { const us = micros(each.due) - now; return us < 0 ? `overdue by ${span_text(Math.round(-us / 1e6) * 1e6)}` : span_text(Math.round(us / 1e6) * 1e6); };
  const told_left = told.deadlines.map(left);
  if (!is_news("deadlines", [told, told_left])) return;
  $("deadline-rows").replaceChildren(...told.deadlines.map((each, index) => el("tr", {},
    el("td", { text: clock_text(each.due), title: each.due }), el("td", { text: told_left[index], class: told_left[index].startsWith("over") ? "bad" : undefined }),
    el("td", { class: "mono", text: each.process_manager }), el("td", { class: "mono", text: each.instance }), el("td", { class: "mono", text: each.name }))));
  $("no-deadlines").hidden = told.deadlines.length > 0;
  if (told.unlisted > 0) $("deadline-rows").append(el("tr", {}, el("td", { colspan: "5", class: "soft", text: `and ${count_text(told.unlisted)} more` })));
}

function draw_health(told) {
  if (told === null) {
    if (is_news("health", [null, status.why_not_live])) $("problems").replaceChildren(
      el("p", { class: "soft", text: `No runtime answers here, so only what is stored is shown. ${status.why_not_live ?? ""}` }));
  } else if (is_news("health", told)) {
    $("problems").replaceChildren(...(told.healthy ? [el("p", { class: "well", text: "All is well." })] : told.problems.map((each) =>
      el("div", { class: "problem" }, el("strong", { text: each.subject }), el("div", { class: "bad", text: each.message }),
        el("div", { class: "soft", text: `since ${clock_text(each.since)}${each.times > 1 ? `, ${count_text(each.times)} times` : ""}` })))));
    if (told.unlisted > 0) $("problems").append(el("p", { class: "soft", text: `and ${count_text(told.unlisted)} more` }));
  }
  const facts = [["process", status.process], ["Tyto", status.version], ["position of the last event", count_text(status.head)],
    ["commits", status.commits], ["aggregates in memory", status.live_aggregates], ["commands in flight", status.commands_in_flight],
    ...["commands", "rejections", "conflicts", "repetitions", "recoveries"].map((each) => [each, status.aggregates?.[each]])];
  if (is_news("facts", facts)) $("facts").replaceChildren(...facts.filter(([, value]) => value !== undefined).map(([name, value]) =>
    el("div", {}, el("dt", { text: name }), el("dd", { text: typeof value === "number" && name !== "process" ? count_text(value) : value }))));
  const others = status.unregistered ?? [];
  if (is_news("unregistered", others)) $("unregistered").replaceChildren(...(others.length === 0 ? [] : [
    el("h2", { text: "Consumers that the storage knows and the program has not registered" }),
    el("ul", {}, ...others.map((each) => el("li", { class: "mono", text: `${each.name}, at ${count_text(each.position)}, ${count_text(each.parked)} dead letters` })))]));
}

// --- a trace: what one request set off, as a tree

let tracing = 0;
async function trace(id) {
  show_view("trace");
  $("trace-id").value = id;
  const mine = ++tracing;
  const events = [];
  let from = 1;
  await try_to(async () => {
    while (from !== null) {
      const found = await ask("/api/trace", { id, from });
      if (mine !== tracing) return;
      events.push(...found.events);
      const percent = found.next === null ? 100 : Math.min(99, Math.floor(found.next / Math.max(1, found.head) * 100));
      $("trace-state").className = `feed ${found.next === null ? "live" : "waiting"}`;
      $("trace-state").textContent = found.next === null ? `${count_text(events.length)} events` : `looking, ${percent} %`;
      draw_trace(events);
      from = events.length >= 5000 ? null : found.next;
    }
    if (events.length === 0) $("trace-tree").replaceChildren(el("p", { class: "empty", text: "No event has this correlation id." }));
  });
}

function draw_trace(events) {
  const nodes = new Map();
  const roots = el("ul", { class: "tree" });
  const begin = events.length ? micros(events[0].time) : 0;
  const whole = Math.max(1, events.length ? micros(events[events.length - 1].time) - begin : 1);
  for (const event of events) {
    const cause = event.caused_by === null ? undefined : nodes.get(event.caused_by);
    const at = micros(event.time), since = cause ? cause.time : at;
    const bar = el("span");
    bar.style.left = `${(since - begin) / whole * 100}%`;
    bar.style.width = `${(at - since) / whole * 100}%`;
    const open = () => show_event(event);
    const line = el("div", { class: "node", tabindex: "0", on: { click: open } },
      cause ? el("span", { class: "via", text: event.consumer }) : null,
      el("span", { class: "type", text: event.type }), el("span", { text: `${event.stream} #${event.sequence_number}` }),
      el("span", { class: "after", text: cause ? `+${span_text(at - since)}` : clock_text(event.time) }),
      el("span", { class: "track", "aria-hidden": "true" }, bar));
    line.open = open;
    const item = el("li", {}, line);
    if (!nodes.has(event.position)) nodes.set(event.position, { item, time: at, depth: cause ? cause.depth + 1 : 0 });
    if (!cause) roots.append(item);
    else if (cause.depth > 20) cause.item.parentElement.append(item);  // deeper ones only say by whom
    else {
      if (cause.item.lastElementChild.tagName !== "UL") cause.item.append(el("ul"));
      cause.item.lastElementChild.append(item);
    }
  }
  $("trace-tree").replaceChildren(roots);
}

// --- the whole

function draw_head() {
  $("title").textContent = visible(status.title);
  document.title = `${visible(status.title)} – Tyto`;
  $("head").textContent = count_text(status.head);
  const rates = event_rates().slice(-4);
  $("rate").textContent = rates.length ? rate_text(rates.reduce((sum, [, rate]) => sum + rate, 0) / rates.length) : "–";
  $("commits").textContent = status.commits === undefined ? "–" : count_text(status.commits);
  $("in-flight").textContent = status.commands_in_flight === undefined ? "–" : count_text(status.commands_in_flight);
  $("mode").textContent = !status.live ? "no runtime answers" : status.may_act ? "may act" : "read-only";
  const parked = [...new Map(status.consumers.map((each) => [each.name, each.parked ?? 0])).values()].reduce((sum, each) => sum + each, 0);
  $("count-letters").hidden = parked === 0;
  $("count-letters").textContent = count_text(parked);
}

let is_polling = false, poll_again = false;
async function poll() {
  if (is_polling) { poll_again = true; return; }
  is_polling = true;
  try {
    status = await ask("/api/status");
    note_lost(false);
    await poll_history();
    const health = status.live ? await ask("/api/health") : null;
    $("health").textContent = health === null ? "–" : health.healthy ? "good" : problems_text(health.problems.length + health.unlisted);
    $("health").className = health === null ? "soft" : health.healthy ? "good" : "bad";
    draw_head();
    draw_consumers();
    if (view === "letters") draw_letters(await ask("/api/dead-letters"));
    if (view === "deadlines") draw_deadlines(await ask("/api/deadlines"));
    if (view === "consumers") draw_plots();
    if (view === "health") draw_health(health);
  } catch (why) {
    if (why instanceof refused) say(why.message, true);
    else note_lost(true);
  }
  is_polling = false;
  if (poll_again) { poll_again = false; poll(); }
}
let next_poll = 0;
function poll_now() {
  clearTimeout(next_poll);
  next_poll = setTimeout(poll_now, poll_ms);
  if (!document.hidden) poll();
}

function show_view(wanted) {
  view = wanted;
  for (const each of views) {
    const tab = $(`tab-${each}`);
    tab.setAttribute("aria-selected", each === wanted);
    tab.tabIndex = each === wanted ? 0 : -1;
    panel_of(each).hidden = each !== wanted;
  }
  poll_now();
}

// --- the keyboard

const moving = () => [...($("detail").open ? $("detail") : panel_of(view)).querySelectorAll("tr[tabindex], .node")];
function move(step) {
  const all = moving();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const to = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
  to.focus();
  to.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const at = event.target;
  if (at instanceof HTMLInputElement) {
    if (event.key === "Escape") { $("main").focus(); event.preventDefault(); }
    return;
  }
  const is_button = at instanceof HTMLButtonElement;
  if (event.key === "Enter" && at.open && typeof at.open === "function") at.open();
  else if (event.key === "j" || (event.key === "ArrowDown" && moving().includes(at))) move(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && moving().includes(at))) move(-1);
  else if ($("detail").open) return;
  else if (event.key >= "1" && event.key <= String(views.length)) show_view(views[Number(event.key) - 1]);
  else if (event.key === "/") { if (view === "trace") $("trace-id").focus(); else { show_view("events"); $("filter").focus(); } }
  else if (event.key === " " && !is_button) set_paused(!feed.is_paused);
  else if (at.role === "tab" && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
    const next = views[(views.indexOf(view) + (event.key === "ArrowRight" ? 1 : views.length - 1)) % views.length];
    show_view(next);
    $(`tab-${next}`).focus();
  } else return;
  event.preventDefault();
});

for (const each of views) $(`tab-${each}`).addEventListener("click", () => show_view(each));
$("pause").addEventListener("click", () => set_paused(!feed.is_paused));
$("older").addEventListener("click", load_older);
$("close").addEventListener("click", close_detail);
$("detail").addEventListener("click", (event) => { if (event.target === $("detail")) close_detail(); });
$("detail").addEventListener("close", () => { if (opened_from?.isConnected) opened_from.focus(); });
$("filter-form").addEventListener("submit", (event) => { event.preventDefault(); apply_filter(); });
$("filter").addEventListener("change", apply_filter);
$("filter").addEventListener("search", apply_filter);
$("trace-form").addEventListener("submit", (event) => { event.preventDefault(); if ($("trace-id").value.trim()) trace($("trace-id").value.trim()); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll_now(); });

load_events();
poll_now();
