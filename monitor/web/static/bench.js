// The bench beyond its form: one click puts a proposed query into the field, another copies YAML.
"use strict";

const field = document.querySelector("#bench textarea");

document.addEventListener("click", (event) => {
  const proposal = event.target.closest("[data-query]");
  if (proposal && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    field.value = proposal.dataset.query;
    field.focus();
    document.querySelector("#bench").requestSubmit();
    return;
  }
  const button = event.target.closest("[data-copy]");
  if (button) copy(button, document.getElementById(button.dataset.copy));
});

async function copy(button, area) {
  const said = button.parentElement.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(area.value);
    said.textContent = "Copied.";
  } catch {
    // Over plain HTTP from another machine, browsers give no clipboard to scripts.
    area.closest("details").open = true;
    area.focus();
    area.select();
    said.textContent = "Selected: copy it with Ctrl+C.";
  }
}
