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
  // A link of a digest says so in the address: it is told once the page is seen, and the address is tidied up.
  const address = new URL(location.href), via = address.searchParams.get("via"), visits = document.body.dataset.visits;
  const tell = () => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token) fetch(visits, { method: "POST", keepalive: true, headers: { "X-CSRFToken": token.value }, body: new URLSearchParams({ via }) }).catch(() => {});
    address.searchParams.delete("via");
    history.replaceState(history.state, "", address);
  };
  if (via && visits && document.prerendering) document.addEventListener("prerenderingchange", tell, { once: true });
  else if (via && visits) tell();
  // What is looked at is marked as read; the button then takes it back.
  document.querySelectorAll("form[data-now]").forEach(async (form) => {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
    if (answer.type !== "opaqueredirect") return;
    form.elements.do.value = form.dataset.now;
    form.querySelector("button").textContent = form.dataset.then;
  });
  // A date picker that goes there at once.
  document.querySelectorAll("input[data-submit]").forEach((input) => input.addEventListener("change", () => input.form.requestSubmit()));
})();
