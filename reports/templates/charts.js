const specs = JSON.parse(document.getElementById("specs").textContent);
const places = [...document.querySelectorAll("[data-chart]")];
// one chart after the other, so that the page can be read while they are drawn
const drawNext = () => {
  const place = places.shift();
  if (!place) return;
  vegaEmbed(place, specs[place.dataset.chart], { renderer: "svg", actions: false, logLevel: 1 })
    .catch((error) => { place.textContent = String(error); })
    .finally(() => setTimeout(drawNext));
};
drawNext();
