// The owner's desk: a key that follows the name, and what would follow from what is typed, said while it is typed.
"use strict";
(() => {
  document.querySelectorAll("input[data-key-of]").forEach((key) => {
    const name = document.getElementById(key.dataset.keyOf);
    let own = key.value !== "";
    key.addEventListener("input", () => { own = key.value !== ""; });
    name.addEventListener("input", () => {
      if (!own) key.value = name.value.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 80);
    });
  });
  document.querySelectorAll("form[data-form]").forEach((form) => {
    const place = form.parentElement.querySelector("[data-ahead]");
    let waiting = 0, asked = 0;
    const tell = (words) => place.replaceChildren(...words.map((said) => Object.assign(document.createElement("p"), { textContent: said })));
    const look = async () => {
      const mine = ++asked;
      const typed = new FormData(form);
      typed.set("do", "look");
      try {
        const answer = await fetch(form.action, { method: "POST", body: typed, headers: { Accept: "application/json" } });
        const found = await answer.json();
        if (mine === asked) tell([...Object.values(found.faults), ...found.said]);
      } catch {
        if (mine === asked) tell(["What would follow could not be asked just now; keeping it still works."]);
      }
    };
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 300); });
    form.querySelectorAll("[data-look]").forEach((button) => { button.hidden = true; });
  });
})();
