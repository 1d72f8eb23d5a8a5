const specs = JSON.parse(document.getElementById("specs").textContent);
const places = [...document.querySelectorAll("[data-chart]")];
// one chart after the other, so that the page can be read while they are drawn
const drawNext = () => {
  const place = places.shift();
  if (!place) return;
  const spec = specs[place.dataset.chart];
  if (place.clientWidth < 480) {  // a phone cuts a second column of the legend off
    spec.config.legend.columns = 1;
    spec.height += 40;
  }
  vegaEmbed(place, spec, { renderer: "svg", actions: false, logLevel: 1, tooltip: { theme: "ours" } })
    .catch((error) => { place.textContent = String(error); })
    .finally(() => setTimeout(drawNext));
};
drawNext();
