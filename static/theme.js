// Runs before the first paint, so that a dark page never flashes white.
{
  const root = document.documentElement;
  root.dataset.scripted = "yes";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { root.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  if (root.dataset.theme === "auto") {
    dark.addEventListener("change", follow);
    follow();
  }
}
