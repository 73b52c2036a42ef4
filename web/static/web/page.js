// Small comforts; every page works without them.
"use strict";
(() => {
  // A heat map's cell tells its sentence below the table, on hover and on keyboard focus alike.
  document.querySelectorAll("[data-tell]").forEach((table) => {
    const place = document.getElementById(table.dataset.tell);
    const tell = (event) => {
      const cell = event.target.closest("a[aria-label]");
      if (cell && place) place.textContent = cell.getAttribute("aria-label");
    };
    table.addEventListener("mouseover", tell);
    table.addEventListener("focusin", tell);
  });
  // A date picker that goes there at once.
  document.querySelectorAll("input[data-submit]").forEach((input) => input.addEventListener("change", () => input.form.requestSubmit()));
})();
