// any series by its id or name: they are loaded when the box is first used, a series when it is chosen
const find = document.getElementById("find-box"), list = document.getElementById("find-list"), shown = document.getElementById("find-shown");
const spec = JSON.parse(document.getElementById("fan").textContent);
const waiting = {}, chunks = {};
let index = null, choice = -1, current = null;
const load = (name) => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = "series/" + name; script.onload = done; script.onerror = () => failed(new Error("series/" + name + " is not beside this page"));
  document.head.append(script);
});
window.tillcast = { index: (told) => { index = told; }, got: (number, rows) => { chunks[number] = rows; } };
const names = async () => { if (!index) await load("index.js"); return index; };
const day = (k) => new Date(Date.parse(index.first) + k * 864e5).toISOString().slice(0, 10);
// isolated: a name from right to left must not turn the id after it
const called = (k) => (index.labels[k] ? "\u2068" + index.labels[k] + "\u2069 · " : "") + index.ids[k];
const fits = (k, words) => { const text = called(k).toLowerCase(); return words.every((word) => text.includes(word)); };
const close = () => { list.hidden = true; choice = -1; find.setAttribute("aria-expanded", "false"); find.removeAttribute("aria-activedescendant"); };
const offer = async () => {
  await names();
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? [...index.ids.keys()].filter((k) => fits(k, words)) : [];
  list.replaceChildren(...found.slice(0, 12).map((at, k) => {
    const item = document.createElement("li"), id = index.ids[at];
    item.textContent = called(at); item.dataset.series = id; item.id = "find-" + k; item.role = "option"; item.onmousedown = (event) => { event.preventDefault(); show(id); };
    return item;
  }));
  close();
  list.hidden = !found.length; find.setAttribute("aria-expanded", String(!list.hidden));
  document.getElementById("find-count").textContent = words.length ? `${found.length.toLocaleString("en")} series fit` : "";
};
const move = (step) => {
  const items = [...list.children];
  if (!items.length) return;
  choice = (choice + step + items.length) % items.length;
  items.forEach((item, k) => item.setAttribute("aria-selected", String(k === choice)));
  find.setAttribute("aria-activedescendant", items[choice].id);
};
const marked = (row) => ({ ...row, ...(index.events[row.ds] ? { event: index.events[row.ds] } : {}) });
const rowsOf = (told) => [
  ...told.y.map((y, k) => ({ ds: day(k), ...(y === null ? {} : { y, top: y }) })),
  ...told.y_hat.map((y_hat, k) => ({ ds: day(index.history + k), y_hat, q025: told.q025[k], q250: told.q250[k], q750: told.q750[k], q975: told.q975[k], top: told.q975[k] })),
].map(marked);
const show = async (id) => {
  try {
    await names();
    const at = index.ids.indexOf(id), number = Math.floor(at / index.per_file);
    if (at < 0) throw new Error("no series is called " + id);
    if (!chunks[number]) await load(String(number).padStart(4, "0") + ".js");
    const told = chunks[number][at % index.per_file];
    find.value = id; current = id; close();
    location.replace("#series=" + encodeURIComponent(id));
    const units = told.y_hat.reduce((sum, value) => sum + value, 0);
    document.getElementById("find-title").textContent = called(at);
    document.getElementById("find-facts").textContent = `${units.toLocaleString("en", { maximumFractionDigits: 1 })} units ahead in ${told.y_hat.length} days`
      + (told.price ? `; price ${told.price}` : "") + (told.reason ? `; not the champion's: ${told.reason}` : "");
    const events = Object.entries(index.events).slice(-6).map(([date, name]) => `${date} ${name}`);
    document.getElementById("find-events").textContent = events.length ? "Dotted lines are events, among them: " + events.join("; ") : "";
    shown.hidden = false;
    await vegaEmbed("#find-chart", { ...spec, data: { values: rowsOf(told) } }, { renderer: "svg", actions: false, logLevel: 1, tooltip: { theme: "ours" } });
  } catch (error) { document.getElementById("find-count").textContent = error.message; }
};
find.addEventListener("input", offer);
find.addEventListener("focus", () => names().catch((error) => { document.getElementById("find-count").textContent = error.message; }));
find.addEventListener("blur", close);
find.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
  if (event.key === "Escape") close();
  if (event.key === "Enter") { const chosen = list.children[Math.max(choice, 0)]; if (chosen) show(chosen.dataset.series); }
});
const asked = () => {  // by the address, or by a name on this page
  if (!location.hash.startsWith("#series=")) return;
  const id = decodeURIComponent(location.hash.slice(8));
  if (id !== current) show(id).then(() => document.getElementById("find").scrollIntoView());
};
window.addEventListener("hashchange", asked);
asked();
