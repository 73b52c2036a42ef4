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
  // A command can be copied with one press; where the browser does not allow it, it is marked to be copied.
  document.querySelectorAll("code[data-copy]").forEach((code) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "link no-print", textContent: "copy" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "marked: copy it";
      }
      setTimeout(() => { button.textContent = "copy"; }, 3000);
    });
    code.after(" ", button);
  });
  // A date picker that goes there at once.
  document.querySelectorAll("input[data-submit]").forEach((input) => input.addEventListener("change", () => input.form.requestSubmit()));
})();
