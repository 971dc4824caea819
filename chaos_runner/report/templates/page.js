// What the page adds to itself where scripts run: nothing that is said only here.
"use strict";
(() => {
  const by = id => document.getElementById(id);
  const plots = [...document.querySelectorAll(".plot")];
  const end = Number(document.querySelector("[data-end]").dataset.end);
  const rows = [...document.querySelectorAll(".log tbody tr")];
  const time = row => Number(row.querySelector("a")?.hash.slice(3));
  const form = by("range"), copy = by("copy");

  // A moment or a stretch, drawn over every picture.
  const place = (begin, until) => plots.forEach(plot => {
    let veil = plot.querySelector(".chosen");
    if (begin === undefined) { veil?.remove(); return; }
    if (!veil) {
      const svg = plot.tagName === "svg" ? plot : plot.lastElementChild;
      veil = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
      veil.setAttribute("class", "chosen");
      veil.setAttribute("height", "100%");
    }
    veil.setAttribute("x", `${100 * begin / end}%`);
    veil.setAttribute("width", `${Math.max(0.15, 100 * (until - begin) / end)}%`);
  });
  const choose = (begin, until) => {
    const all = begin === undefined;
    place(begin, until);
    let shown = 0;
    rows.forEach(row => {
      const t = time(row);
      row.hidden = !all && !(t >= begin && t <= until);
      shown += !row.hidden;
    });
    by("shown").textContent = all ? "" : `${shown} of ${rows.length} lines`;
    by("from").value = all ? "" : begin.toFixed(1);
    by("to").value = all ? "" : until.toFixed(1);
  };
  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => choose());
  form.addEventListener("change", () => {
    const begin = Number(by("from").value || 0), until = Number(by("to").value || end);
    if (begin <= until) choose(begin, until);
  });

  plots.forEach(plot => {
    const at = event => {
      const box = plot.getBoundingClientRect();
      return end * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    let from = null;
    plot.addEventListener("pointerdown", event => {
      if (event.pointerType === "mouse" && event.button === 0) { from = at(event); plot.setPointerCapture(event.pointerId); }
    });
    plot.addEventListener("pointermove", event => {
      if (from !== null) place(Math.min(from, at(event)), Math.max(from, at(event)));
    });
    plot.addEventListener("pointerup", event => {
      if (from === null) return;
      const begin = Math.min(from, at(event)), until = Math.max(from, at(event));
      from = null;
      if (until - begin < end / 200) choose(); else { choose(begin, until); by("log").open = true; }
    });
  });

  // #t=63.4 and #t=2026-11-20T11:03:13Z: that moment in every picture, and the line of the log that is nearest.
  const jump = () => {
    const folded = by(location.hash.slice(1))?.closest("details");
    if (folded) folded.open = true;
    const found = /^#t=(.+)$/.exec(decodeURIComponent(location.hash));
    if (!found) return;
    const began = Date.parse(document.querySelector("time").dateTime);
    const t = /^[0-9.]+$/.test(found[1]) ? Number(found[1]) : (Date.parse(found[1]) - began) / 1000;
    if (!(t >= 0 && t <= end)) return;
    choose();
    place(t, t);
    const near = rows.reduce((best, row) => Math.abs(time(row) - t) < Math.abs(time(best) - t) ? row : best, rows[0]);
    rows.forEach(row => row.classList.toggle("near", row === near));
    by("log").open = true;
    near.scrollIntoView({block: "center"});
  };
  addEventListener("hashchange", jump);
  jump();

  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const text = by("markdown");
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    by("copied").textContent = "copied";
  });

  // Where the style sheet cannot open what is folded, paper has it all the same.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => { one.open = true; }));
})();
