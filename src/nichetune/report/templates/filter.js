
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
  const choices = ["outcome", "task", "rival"].filter((name) => form.elements[name]);
  const apply = () => {
    const wanted = form.elements.text.value.trim().toLowerCase(), part = form.elements.wrong ? form.elements.wrong.value : "";
    const chosen = choices.map((name) => [name, form.elements[name].value]).filter(([, value]) => value);
    let count = 0;
    items.forEach((item) => {
      const fits = chosen.every(([name, value]) => item.dataset[name] === value)
        && (!part || JSON.parse(item.dataset.wrong).includes(part))
        && (!wanted || item.textContent.toLowerCase().includes(wanted));
      item.hidden = !fits;
      count += fits;
    });
    shown.textContent = chosen.length || part || wanted ? `${count} of the ${items.length} shown fit.` : told;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
