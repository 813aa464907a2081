// Copies what a button names to the clipboard, and says that it did.
const SHOWN_MS = 1500;

export function offerCopies(page) {
  page.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(page.getElementById(button.dataset.copy).textContent);
    button.setAttribute("data-copied", "");
    setTimeout(() => button.removeAttribute("data-copied"), SHOWN_MS);
  });
}
