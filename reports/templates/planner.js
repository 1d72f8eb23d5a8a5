// the table of any two levels, and any series; both from the folder this page lies in
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const cube = read("crossed-data"), specs = read("series-spec");
const number = (value) => value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 });
const share = (now, then) => {
  if (now === null || !then) return null;
  const value = now / then - 1;
  return value >= 9 ? number(value + 1) + " times" : (value >= 0 ? "+" : "−") + Math.abs(100 * value).toFixed(1) + "%";
};
const plain = (value) => typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + value : value;  // no cell that a spreadsheet runs
const csv = (rows) => rows.map((row) => row.map((value) => '"' + String(plain(value ?? "")).replaceAll('"', '""') + '"').join(",")).join("\r\n");
const save = (name, rows) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff" + csv(rows)], { type: "text/csv" }));
  link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
};
const make = (kind, text, look) => { const node = document.createElement(kind); if (text !== undefined) node.textContent = text; if (look) node.className = look; return node; };

// any two levels crossed
const form = document.getElementById("cross"), grid = document.getElementById("crossed");
const AGAINST = { last: "the days before", year: "a year before", before: "the table before", model: "the model's" };
const fill = (name, pairs, chosen) => form.elements[name].replaceChildren(...pairs.map(([value, text]) => { const option = make("option", text); option.value = value; option.selected = value === chosen; return option; }));
const levels = cube.keys.map((key) => [key, key]);
fill("rows", levels, cube.keys[0]);
fill("columns", [...levels, ["", "none"]], cube.keys[1] ?? "");
fill("days", [...cube.spans.map((days) => [String(days), `next ${days}`]), ["weeks", "by week"]], String(cube.spans[0]));
fill("measure", [["units", cube.unit], ...(cube.has_money ? [["money", "money"]] : [])], "units");
fill("against", Object.entries(AGAINST), "last");
const name = (level, code) => { const called = (cube.names[level] ?? {})[code]; return called ? `${called} · ${code}` : code; };
let current = [];
const add = (sums, values, at) => { const value = values?.[at]; if (value !== null && value !== undefined) sums.push(value); return sums; };
const sum = (values, rows) => { const known = rows.reduce((sums, at) => add(sums, values, at), []); return known.length ? known.reduce((a, b) => a + b) : null; };
const groups = (level) => level ? [...new Set(cube.rows.map((row) => row[cube.keys.indexOf(level)]))].sort() : ["all"];
const cross = () => {
  const of = Object.fromEntries(new FormData(form)), at = [...cube.rows.keys()];
  const among = (level, code) => (row) => !level || cube.rows[row][cube.keys.indexOf(level)] === code;
  const byWeek = of.days === "weeks", weeks = Object.keys(cube.weeks).sort((a, b) => a - b);
  const across = byWeek ? weeks : groups(of.columns === of.rows ? "" : of.columns);
  const cell = (rows, column) => byWeek
    ? [sum(cube.weeks[column], rows), null]
    : [`next`, of.against === "before" ? "overlap" : "next", of.against].map((kind) => sum(cube.numbers[`${of.measure}_${kind}_${of.days}`], rows.filter(among(of.columns === of.rows ? "" : of.columns, column))));
  const title = (column) => byWeek ? (column < 0 ? `${-column} back` : `${column} ahead`) : column === "all" ? of.measure === "units" ? cube.unit : "money" : name(of.columns, column);
  const lines = groups(of.rows).map((code) => [code, at.filter(among(of.rows, code))]);
  const withAll = (rows) => [...across.map((column) => cell(rows, column)), ...(byWeek || across.length < 2 ? [] : [["next", of.against === "before" ? "overlap" : "next", of.against].map((kind) => sum(cube.numbers[`${of.measure}_${kind}_${of.days}`], rows))])];
  const table = [...lines.map(([code, rows]) => [name(of.rows, code), withAll(rows)]), ["all", withAll(at)]];
  const head = ["", ...across.map(title), ...(byWeek || across.length < 2 ? [] : ["all"])];
  current = [head, ...table.map(([label, cells]) => [label, ...cells.map((one) => one[0])])];
  form.elements.columns.disabled = form.elements.against.disabled = form.elements.measure.disabled = byWeek;
  const top = make("tr"); top.append(...head.map((text) => { const th = make("th", text); th.scope = "col"; return th; }));
  grid.replaceChildren(top, ...table.map(([label, cells]) => {
    const row = make("tr"), first = make("th", label); first.scope = "row"; row.append(first);
    row.append(...cells.map(([value, now, then]) => {
      const td = make("td", number(value)), moved = then === undefined ? null : share(now, then);
      if (moved) td.append(make("small", moved, moved.startsWith("−") ? "down" : "up"));
      return td;
    }));
    return row;
  }));
};
form.addEventListener("change", cross);
document.getElementById("cross-csv").addEventListener("click", () => save("ahead.csv", current));
form.hidden = false; cross();

// any series by its code or name: all are loaded when the box is first used, a series when it is chosen
const find = document.getElementById("find-box"), list = document.getElementById("find-list"), count = document.getElementById("find-count");
const chunks = {}; let index = null, choice = -1, shown = null;
const loads = {};
const load = (file) => loads[file] ??= new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = "planner/" + file; script.onload = done; script.onerror = () => { delete loads[file]; failed(new Error("planner/" + file + " is not beside this page")); };
  document.head.append(script);
});
window.tillcast = { index: (content) => { index = content; }, got: (k, rows) => { chunks[k] = rows; } };
const called = (k) => (index.labels[k] ? "\u2068" + index.labels[k] + "\u2069 · " : "") + index.ids[k];
const close = () => { list.hidden = true; choice = -1; find.setAttribute("aria-expanded", "false"); find.removeAttribute("aria-activedescendant"); };
const offer = async () => {
  await load("index.js");
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (k) => { const text = called(k).toLowerCase(); return words.every((word) => text.includes(word)); };
  const found = words.length ? [...index.ids.keys()].filter(fits) : [];
  list.replaceChildren(...found.slice(0, 12).map((at, k) => {
    const item = make("li", called(at)), id = index.ids[at];
    item.dataset.series = id; item.id = "find-" + k; item.role = "option"; item.onmousedown = (event) => { event.preventDefault(); show(id); };
    return item;
  }));
  close();
  list.hidden = !found.length; find.setAttribute("aria-expanded", String(!list.hidden));
  count.textContent = words.length ? `${found.length.toLocaleString("en")} series fit` : "";
};
const move = (step) => {
  const items = [...list.children];
  if (!items.length) return;
  choice = (choice + step + items.length) % items.length;
  items.forEach((item, k) => item.setAttribute("aria-selected", String(k === choice)));
  find.setAttribute("aria-activedescendant", items[choice].id);
};
const day = (k) => new Date(Date.parse(index.first) + k * 864e5).toISOString().slice(0, 10);
const within = (spans, k) => (spans ?? []).some(([first, last]) => first <= k && k <= last);
const worded = (row) => [["y", "sold"], ["y_hat", "final"], ["model", "the model's"], ["last", "a year before"]].filter(([key]) => row[key] !== undefined).map(([key, text]) => `${text} ${number(row[key])}`)
  .concat(row.q025 === undefined ? [] : [`95% between ${number(row.q025)} and ${number(row.q975)}`]).join("\n");
const daily = (one) => {
  const days = index.history + one.y_hat.length, rows = [];
  let price;
  for (let k = 0; k < days; k++) {
    const ahead = k - index.history, row = { ds: day(k) };
    const put = (key, value) => { if (value !== null && value !== undefined) row[key] = value; };
    if (ahead < 0) put("y", one.y?.[k]);
    else for (const key of ["y_hat", "model", "q025", "q250", "q750", "q975"]) put(key, one[key]?.[ahead]);
    put("last", one.last?.[k]);
    price = (one.prices ?? []).find(([from]) => from === k)?.[1] ?? price; put("price", price);
    if (within(one.promos, k)) row.promo = "yes";
    put("event", index.events[row.ds]);
    rows.push(row);
  }
  return rows;
};
// whole weeks back from the last day sold, and ahead of it; intervals of days do not add
const weekly = (rows) => {
  const weeks = new Map();
  rows.forEach((row, k) => {
    const week = Math.floor((k - index.history) / 7);
    if (!weeks.has(week)) weeks.set(week, []);
    weeks.get(week).push(row);
  });
  return [...weeks.values()].filter((days) => days.length === 7).map((days) => {
    const row = { ds: days[0].ds };
    for (const key of ["y", "y_hat", "model", "last"]) {
      const known = days.map((one) => one[key]).filter((value) => value !== undefined);
      if (known.length) row[key] = known.reduce((a, b) => a + b);
    }
    const price = days.map((one) => one.price).filter((value) => value !== undefined).pop();
    if (price !== undefined) row.price = price;
    if (days.some((one) => one.promo)) row.promo = "yes";
    return row;
  });
};
const draw = async () => {
  const rows = (document.getElementById("find-by").value === "7" ? weekly : daily)(document.getElementById("find-by").value === "7" ? daily(shown.one) : shown.one)
    .map((row) => ({ ...row, top: Math.max(row.y ?? 0, row.y_hat ?? 0, row.q975 ?? 0, row.last ?? 0), ...(worded(row) ? { words: worded(row) } : {}) }));
  const options = { renderer: "svg", actions: false, logLevel: 1, tooltip: { theme: "ours" } };
  const drawn = (spec) => ({ ...spec, datasets: { ...spec.datasets, rows } });
  await vegaEmbed("#find-chart", drawn(specs.main), options);
  document.getElementById("find-price").hidden = !shown.one.prices;
  if (shown.one.prices) await vegaEmbed("#find-price", drawn(specs.price), options);
};
const show = async (id) => {
  try {
    await load("index.js");
    const at = index.ids.indexOf(id), k = Math.floor(at / index.per_file);
    if (at < 0) throw new Error("no series is called " + id);
    await Promise.all([load(String(k).padStart(4, "0") + ".js"), load("vega.js")]);
    const one = chunks[k][at % index.per_file];
    shown = { id, one }; find.value = id; close();
    location.replace("#series=" + encodeURIComponent(id));
    document.getElementById("find-title").textContent = called(at);
    const total = (days) => number(one.y_hat.slice(0, days).reduce((a, b) => a + b, 0));
    document.getElementById("find-facts").textContent = `${total(7)} ${index.unit} in the next 7 days, ${total(one.y_hat.length)} in ${one.y_hat.length}`
      + (one.prices ? `; price ${one.prices[one.prices.length - 1][1]}` : "");
    const last = day(index.history + one.y_hat.length - 1), from = day(index.history);
    const events = Object.entries(index.events).filter(([date]) => date >= from && date <= last).map(([date, event]) => `${date} ${event}`);
    document.getElementById("find-events").textContent = events.length ? "Ahead: " + events.join("; ") : "";
    const why = [
      ...(one.reason ? [`not the champion's forecast: ${one.reason}`] : []),
      ...(one.overrides ?? []).map((number) => `override ${number}, ${index.overrides[number]}`),
      ...(one.cause ?? []).map((cause, n) => `${index.causes[cause]}: ${one.words[n]}`),
      ...(one.promos ?? []).filter(([, until]) => until >= index.history).map(([first, until]) => `promotion ${day(first)} to ${day(until)}`),
    ];
    document.getElementById("find-why").replaceChildren(...why.map((text) => make("li", text)));
    document.getElementById("find-shown").hidden = false;
    for (const [link, page] of [["find-change", "overrides"], ["find-what-if", "what-if"]]) {  // where the app serves this page
      document.getElementById(link).hidden = location.pathname !== "/";
      document.getElementById(link).href = `/${page}?where-unique_id=${encodeURIComponent(id)}`;
    }
    count.textContent = "";
    await draw();
  } catch (error) { count.textContent = error.message; }
};
const failed = (error) => { count.textContent = error.message; };
find.addEventListener("input", () => offer().catch(failed));
find.addEventListener("focus", () => load("index.js").catch(failed));
find.addEventListener("blur", close);
find.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
  if (event.key === "Escape") close();
  if (event.key === "Enter") { const chosen = list.children[Math.max(choice, 0)]; if (chosen) show(chosen.dataset.series); }
});
document.getElementById("find-by").addEventListener("change", draw);
document.getElementById("find-csv").addEventListener("click", () => {
  const columns = ["ds", "y", "y_hat", "model", "q025", "q975", "last", "price", "promo", "event"];
  save(shown.id.replace(/[^\w.-]+/g, "_") + ".csv", [columns, ...daily(shown.one).map((row) => columns.map((column) => row[column]))]);
});
const wanted = () => {  // by the address, or by a name on this page
  if (!location.hash.startsWith("#series=")) return;
  const id = decodeURIComponent(location.hash.slice(8));
  if (id !== shown?.id) show(id).then(() => document.getElementById("find").scrollIntoView());
};
window.addEventListener("hashchange", wanted);
wanted();
