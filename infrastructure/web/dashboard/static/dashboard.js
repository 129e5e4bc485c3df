// What the pages can do besides htmx. Each of them works without it.
(() => {
  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  const toggle = document.querySelector("[data-theme-toggle]");
  if (toggle) {
    const show = () => toggle.setAttribute("aria-pressed", String(isDark()));
    toggle.hidden = false;
    show();
    toggle.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* Not remembered then. */ }
      show();
    });
  }

  // The key stays in this tab only, and goes nowhere but into the header of an order.
  const kept = () => { try { return sessionStorage.getItem("api-key") || ""; } catch { return ""; } };
  const keep = (key) => { try { sessionStorage.setItem("api-key", key); } catch { /* Asked again. */ } };
  for (const form of document.querySelectorAll("[data-order]")) {
    const key = form.querySelector("[data-key]");
    const alert = form.querySelector("[role=alert]");
    form.hidden = false;
    key.value = kept();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      alert.textContent = "";
      const given = Object.fromEntries(new FormData(form));
      if (given.limit) given.limit = Number(given.limit);
      for (const box of form.querySelectorAll("[type=checkbox]")) given[box.name] = box.checked;
      const isPost = form.dataset.order === "POST";
      try {
        const answer = await fetch(form.dataset.address, {
          method: form.dataset.order,
          headers: { "X-API-Key": key.value, ...(isPost && { "Content-Type": "application/json" }) },
          ...(isPost && { body: JSON.stringify(given) }),
        });
        const said = await answer.json();
        if (!answer.ok) { alert.textContent = said.detail; return; }
        keep(key.value);
        if (form.dataset.done) alert.textContent = form.dataset.done;
        else location.assign("/runs/" + encodeURIComponent(said.run_id));
      } catch {
        alert.textContent = "The server gives no answer: try again later.";
      }
    });
  }

  // Fields left empty stay out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    const given = event.detail.parameters;
    for (const name of Object.keys(given)) if (given[name] === "") delete given[name];
  });

  // The list stays as it was then.
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(name, () => {
      document.getElementById("status").textContent = "The server gives no answer: try again later.";
    });
  }

  // Further rows take the place of the link that was clicked: the first of them is where one is.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "rows") return;
    const rows = event.detail.target;
    const first = rows.children[Number(rows.dataset.had || 0)];
    first?.querySelector("a")?.focus({ preventScroll: true });
    document.getElementById("status").textContent = `${rows.children.length} shown`;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "rows") target.dataset.had = target.children.length;
  });

  const watched = document.querySelector("[data-watch]");
  if (watched) {
    const bar = watched.querySelector("progress");
    const text = watched.querySelector("[data-watch-text]");
    const aloud = watched.querySelector("[data-watch-said]");
    const percent = watched.querySelector("[data-watch-percent]");
    const reasons = watched.querySelector("[data-watch-reasons]");
    const workers = watched.querySelector("[data-watch-workers]");
    const notice = watched.querySelector("[data-watch-notice]");
    let said = 0;
    const row = (worker) => {
      const line = document.createElement("tr");
      const name = document.createElement("th");
      name.scope = "row";
      name.className = "mono";
      name.textContent = worker.name;
      line.append(name, ...[worker.titles, worker.fetched, worker.failed, Math.round(worker.heard_seconds)].map((count) => {
        const cell = document.createElement("td");
        cell.className = "number";
        cell.textContent = count;
        return cell;
      }));
      return line;
    };
    const showBatches = (progress) => {
      for (const count of watched.querySelectorAll("[data-batches]"))
        count.textContent = (progress.batches[count.dataset.batches] || 0).toLocaleString("en");
      workers.hidden = !progress.workers.length;
      workers.querySelector("tbody").replaceChildren(...progress.workers.map(row));
      notice.textContent = progress.notices.join(". ");
      for (const part of watched.querySelectorAll("[data-shown-while]"))
        part.hidden = part.dataset.shownWhile !== progress.state;
    };
    const show = (progress) => {
      if (progress.batches && workers) showBatches(progress);
      const done = (progress.fetched || 0) + (progress.failed || 0);
      if (progress.asked) {
        bar.max = progress.asked;
        bar.value = done;
        percent.textContent = `${Math.floor((100 * done) / progress.asked)} %`;
      }
      reasons.replaceChildren(...Object.entries(progress.failed_by_reason || {}).map(([reason, count]) => {
        const item = document.createElement("li");
        item.textContent = `${reason.replaceAll("_", " ")}: ${count}`;
        return item;
      }));
      const speed = progress.per_second ? `, ${progress.per_second.toFixed(1)} a second` : "";
      text.textContent = progress.asked
        ? `${done} of ${progress.asked} done, ${progress.failed || 0} failed${speed}${progress.state === "paused" ? ", paused" : ""}`
        : "Being prepared";
      // Not at every title: a screen reader would never come to an end.
      if (Date.now() - said < 5000) return;
      said = Date.now();
      aloud.textContent = text.textContent;
    };
    const events = new EventSource(watched.dataset.watch);
    events.addEventListener("progress", (event) => show(JSON.parse(event.data)));
    events.addEventListener("end", (event) => {
      events.close();
      const { error } = JSON.parse(event.data);
      // Without an account of the run there is no other page to show.
      if (error) text.textContent = error;
      else location.reload();
    });
  }
})();
