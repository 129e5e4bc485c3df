// Before the page is drawn, so that it is never seen in the other theme first.
(() => {
  // What is of use without scripts only is not shown then.
  document.documentElement.dataset.scripts = "on";
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* Storage is forbidden: the theme is the system's. */ }
})();
