// What pages do beyond links and forms: the reader's zone and language, keys, live alerts.
"use strict";

const DAY_MS = 24 * 60 * 60 * 1000;
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const relativeTime = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const numbers = new Intl.NumberFormat();
const languages = new Intl.DisplayNames(undefined, { type: "language" });

function ageInWords(age) {
  const length = Math.abs(age);
  if (length < 60_000) return relativeTime.format(-Math.round(age / 1000), "second");
  if (length < 3_600_000) return relativeTime.format(-Math.round(age / 60_000), "minute");
  return relativeTime.format(-Math.round(age / 3_600_000), "hour");
}

function languageName(code) {
  try {
    return languages.of(code);
  } catch {
    return code; // no code of a language
  }
}

function localise(root) {
  for (const element of root.querySelectorAll("time[data-day]")) {
    // A day of the calendar in UTC, whatever the reader's zone.
    element.textContent = dates.format(new Date(element.dateTime));
  }
  for (const element of root.querySelectorAll("time[datetime]:not([data-day])")) {
    const moment = new Date(element.dateTime);
    const age = Date.now() - moment;
    element.textContent = Math.abs(age) < DAY_MS ? ageInWords(age) : fullTime.format(moment);
    element.title = exactTime.format(moment);
  }
  for (const element of root.querySelectorAll("[data-language]")) {
    element.textContent = languageName(element.dataset.language);
  }
  for (const element of root.querySelectorAll("data[value]")) {
    element.textContent = numbers.format(Number(element.value));
  }
}

// An alert is open in the pane: mark its line, and on narrow screens show the pane alone.
function showOpen() {
  const reader = document.querySelector("#pane .reader");
  document.body.classList.toggle("reading", reader !== null);
  for (const entry of document.querySelectorAll(".entry")) {
    const isOpen = reader !== null && entry.dataset.alert === reader.dataset.alert;
    entry.classList.toggle("open", isOpen);
    if (!isOpen) continue;
    countUnread(entry.classList.contains("unread"), reader.dataset.read === "false");
    entry.classList.toggle("unread", reader.dataset.read === "false");
    entry.classList.toggle("starred", reader.dataset.starred === "true");
  }
}

// Keeps the number of unread alerts beside the list true, as the reader opens them.
function countUnread(wasUnread, isUnread) {
  const count = document.querySelector("[data-unread] data");
  if (!count || wasUnread === isUnread) return;
  count.value = Number(count.value) + (isUnread ? 1 : -1);
  count.textContent = numbers.format(Number(count.value));
}

function step(by) {
  const links = [...document.querySelectorAll(".entry h2 a")];
  if (links.length === 0) return;
  const at = links.findIndex((link) => link.closest(".entry").classList.contains("open"));
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next.focus({ preventScroll: true });
  next.closest(".entry").scrollIntoView({ block: "nearest" });
  next.click();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => document.querySelector("#q")?.focus(),
  "?": () => document.querySelector("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, textarea, select, dialog");
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys[event.key] ?? (() => {
    const target = document.querySelector(`#pane [data-key="${CSS.escape(event.key)}"]`);
    if (!target) return false;
    target.click();
    return true;
  });
  if (act() !== false) event.preventDefault();
});

// New alerts are counted in a line at the top; nothing moves until the reader asks for them.
function followAlerts(line) {
  const parameters = new URLSearchParams({ after: line.dataset.live });
  for (const name of new URLSearchParams(location.search).getAll("watchlist")) {
    parameters.append("watchlist", name);
  }
  const link = line.querySelector("a");
  let count = 0;
  const source = new EventSource(`/api/v1/alerts/live?${parameters}`);
  source.addEventListener("message", () => {
    count += 1;
    link.textContent = count === 1 ? "1 new alert" : `${numbers.format(count)} new alerts`;
    line.hidden = false;
  });
  addEventListener("pagehide", () => source.close());
}

localise(document);
const live = document.querySelector("[data-live]");
if (live) followAlerts(live);

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]").content;
});
document.addEventListener("htmx:after:swap", () => {
  localise(document);
  showOpen();
});
