/* Light or dark as people chose it, before anything is drawn: this one is no module, so that nothing flashes. */
(() => {
  const root = document.documentElement;
  const held = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const chosen = held();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const tell = () => button.setAttribute("aria-pressed", String(dark()));
    button.disabled = false;
    tell();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* then it lasts as long as the page */ }
      tell();
    });
  });
})();
