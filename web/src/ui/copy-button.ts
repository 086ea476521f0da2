// Buttons that copy a command.

const TOLD_FOR_MS = 1600;

/** Makes each button[data-copy=ID] in the page copy the text of the element #ID. */
export function enableCopyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    const label = button.textContent ?? "";
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset["copy"] ?? "")?.textContent ?? "";
      navigator.clipboard.writeText(text.trim()).then(
        () => tell(button, "Copied", label),
        () => tell(button, "Select and copy by hand", label),
      );
    });
  }
}

function tell(button: HTMLButtonElement, text: string, after: string): void {
  button.textContent = text;
  setTimeout(() => (button.textContent = after), TOLD_FOR_MS);
}
