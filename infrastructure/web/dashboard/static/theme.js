// Before the page is drawn, so that it is never seen in the other theme first.
(() => {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* Storage is forbidden: the theme is the system's. */ }
})();
