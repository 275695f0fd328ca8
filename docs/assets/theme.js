// Applies the chosen theme before the page is shown. A file of its own: the guide's Content-Security-Policy allows no script in a page.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // The browser stores nothing for this page.
  }
  document.body.dataset.theme = chosen || "auto";
})();
