
// Filters the items that are shown side by side, and opens what is folded before printing. Without it all is there.
(() => {
  const form = document.getElementById("filter");
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
  });
  if (!form) return;
  const items = [...document.querySelectorAll("#items .item")];
  const shown = document.getElementById("shown");
  const told = shown.textContent;
  const apply = () => {
    const wanted = form.elements.text.value.trim().toLowerCase();
    const { outcome, task } = { outcome: form.elements.outcome.value, task: form.elements.task.value };
    let count = 0;
    items.forEach((item) => {
      const fits = (!outcome || item.dataset.outcome === outcome) && (!task || item.dataset.task === task)
        && (!wanted || item.textContent.toLowerCase().includes(wanted));
      item.hidden = !fits;
      count += fits;
    });
    shown.textContent = outcome || task || wanted ? `${count} of the ${items.length} shown fit.` : told;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
