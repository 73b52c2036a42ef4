// Charts: fetched when they come into view, drawn with the page's own colors, drawn anew when these change.
"use strict";
(() => {
  const shown = new Map();
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // Figures name colors by token ("token:ink"), so that one figure serves light and dark.
  const themed = (value) => {
    if (typeof value === "string") return value.startsWith("token:") ? token(value.slice(6)) : value;
    if (Array.isArray(value)) return value.map(themed);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v)]));
    return value;
  };

  const draw = (holder, figure) => {
    const layout = themed(figure.layout);
    layout.font = { ...(layout.font || {}), family: getComputedStyle(document.body).fontFamily, color: token("quiet"), size: 12 };
    return Plotly.react(holder, themed(figure.data), layout, { displayModeBar: false, responsive: true });
  };

  const load = async (holder) => {
    try {
      const answer = await fetch(holder.dataset.figure, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const figure = await answer.json();
      shown.set(holder, figure);
      await draw(holder, figure);
      holder.dataset.drawn = "yes";
    } catch (fault) {
      holder.textContent = "The chart could not be loaded; its numbers stand beside it. Reload to try again.";
      holder.dataset.drawn = "no";
    }
  };

  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        watch.unobserve(entry.target);
        load(entry.target);
      }
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll("[data-figure]").forEach((holder) => watch.observe(holder));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown.forEach((figure, holder) => draw(holder, figure)));
})();
