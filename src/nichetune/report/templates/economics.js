
// Prices every rung anew as a reader moves the prices: the arithmetic of decide/economics.py (what a rung costs) and of
// report/economics.py (what its answers cost), and nothing else. Without it the table stands as the settings price it.
(() => {
  const form = document.getElementById("prices");
  if (!form) return;
  const GIB = 2 ** 30, rows = [...document.querySelectorAll("#priced tr[data-rung]")];
  const told = document.getElementById("priced-order"), names = rows.map((row) => row.dataset.rung);
  const round = (amount) => Math.round(amount * 1e8) / 1e8;
  const priceRung = (used, p) => {
    const [train, serve, storage, tuned, wrong, abstained, escalated] =
      ["train", "serve", "storage", "tuned", "wrong", "abstained", "escalated"].map((name) => Number(used[name]));
    const perFlop = p.usd_per_machine_hour / (p.machine_gflops * 1e9 * 3600);
    const answers = p.requests_per_month ? p.requests_per_month * p.horizon_months : p.answers;
    const cost = {
      training: train * perFlop * p.trainings,
      review: tuned * p.usd_per_review * p.trainings,
      storage: storage / GIB * p.usd_per_gib_month * p.horizon_months,
      serving: serve * answers * perFlop,
    };
    cost.total = cost.training + cost.storage + cost.serving + cost.review;
    cost.per_1000 = cost.total * 1000 / answers;
    cost.outcomes = answers
      * (wrong * p.usd_per_wrong_answer + abstained * p.usd_per_abstention + escalated * p.usd_per_escalation);
    cost.together = cost.total + cost.outcomes;
    return Object.fromEntries(Object.entries(cost).map(([name, amount]) => [name, round(amount)]));
  };
  const usd = (amount) => {
    if (amount === 0) return "$0";
    const digits = amount >= 0.1 ? 2 : 1 - Math.floor(Math.log10(amount));
    return "$" + amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  const fields = [...form.querySelectorAll(".price")].map((one) => ({
    slider: one.querySelector("input[type=range]"), number: one.querySelector("input[type=number]"),
  }));
  const start = fields.map(({ number }) => number.value);
  const sort = (costs, key) => names.map((_, n) => n).sort((a, b) => costs[a][key] - costs[b][key] || a - b);
  const describe = (costs, prices) => {
    const order = sort(costs, "total"), same = order.every((place, n) => place === n);
    const valued = prices.usd_per_wrong_answer + prices.usd_per_abstention + prices.usd_per_escalation > 0;
    const best = sort(costs, "together")[0];
    return `By cost: ${order.map((n) => names[n]).join(", ")}. ` + (same
      ? "That is the order in which the verdict weighed them."
      : "The verdict weighed them in another order: put these prices into the settings and decide again.")
      + (valued ? ` With what their answers cost, ${names[best]} is the cheapest, by the observed scores and without their intervals.` : "");
  };
  const recompute = () => {
    const prices = Object.fromEntries(fields.map(({ number }) => [number.name, Number(number.value)]));
    if (!fields.every(({ number }) => number.value !== "" && number.validity.valid)) {
      told.textContent = "A number is missing or out of its range: the table shows the last sound ones.";
      return;
    }
    const costs = rows.map((row) => priceRung(row.dataset, prices));
    rows.forEach((row, n) => row.querySelectorAll("[data-cost]").forEach((cell) => {
      cell.textContent = usd(costs[n][cell.dataset.cost]);
    }));
    told.textContent = describe(costs, prices);
  };
  const say = ({ slider, number }) => slider.setAttribute("aria-valuetext", `${number.value} ${slider.dataset.unit}`);
  fields.forEach((field) => {
    const { slider, number } = field;
    slider.addEventListener("input", () => {
      number.value = String(Number((10 ** Number(slider.value)).toPrecision(2)));
      say(field);
      recompute();
    });
    number.addEventListener("input", () => {
      slider.value = String(Number(number.value) > 0 ? Math.log10(Number(number.value)) : slider.min);
      say(field);
      recompute();
    });
    say(field);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("button").addEventListener("click", () => {
    fields.forEach(({ number }, n) => {
      number.value = start[n];
      number.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
  form.hidden = false;
  recompute();
})();
