// Live updates: subscribes to server-sent events, fetches the board and replaces only the changed elements.
"use strict";

const board = document.querySelector("[data-board]");
const live = document.querySelector("[data-live]");
const toast = document.querySelector("[data-toast]");
const served = new WeakMap(); // element -> its HTML as served, before user input changed it
const CONFIRM_MS = 4000;
const TOAST_MS = 6000;

// --- replacing what changed ---------------------------------------------------------------------

function remember(root) {
  for (const element of [root, ...root.querySelectorAll("[data-key]")]) served.set(element, element.outerHTML);
}

function listOf(element) {
  return element.querySelector(":scope > [data-list]");
}

function shell(html) {
  const copy = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  const list = copy && listOf(copy);
  if (list) list.replaceChildren();
  return copy ? copy.outerHTML : "";
}

function isBusy(element) {
  const active = document.activeElement;
  return element.contains(active) && active.matches("input, select, textarea");
}

function carryOver(old, fresh) {
  const part = (details, place) => details.dataset.part ?? String(place);
  const open = new Set();
  old.querySelectorAll("details").forEach((details, place) => {
    if (details.open) open.add(part(details, place));
  });
  fresh.querySelectorAll("details").forEach((details, place) => {
    if (open.has(part(details, place))) details.open = true;
  });
  const written = old.querySelector(".why-text[data-loaded]");
  const blank = fresh.querySelector(".why-text");
  if (written && blank) {
    blank.replaceChildren(...written.childNodes);
    blank.dataset.loaded = "yes";
  }
}

// Returns the control of `fresh` that corresponds to the focused one of `old`: the same text, else the same place.
function focusAfter(old, fresh) {
  const [before, after] = [old, fresh].map((root) => [...root.querySelectorAll("a, button, summary")]);
  const focused = document.activeElement;
  const place = before.indexOf(focused);
  if (place < 0) return null;
  const named = (control) => (control.getAttribute("aria-label") ?? control.textContent) === name;
  const name = focused.getAttribute("aria-label") ?? focused.textContent;
  return after.filter(named)[before.filter(named).indexOf(focused)] ?? after[place];
}

function replace(old, fresh) {
  const focused = focusAfter(old, fresh);
  served.set(fresh, fresh.outerHTML);
  remember(fresh);
  carryOver(old, fresh);
  old.replaceWith(fresh);
  if (fresh.matches(".card")) fresh.classList.add("fresh");
  focused?.focus();
}

// Returns false if an element was not replaced because the user is typing in it.
function settle(old, fresh) {
  if (served.get(old) === fresh.outerHTML) return true;
  const [oldList, freshList] = [listOf(old), listOf(fresh)];
  if (oldList && freshList && shell(served.get(old)) === shell(fresh.outerHTML)) {
    const html = fresh.outerHTML;
    const done = reconcile(oldList, freshList);
    if (done) served.set(old, html);
    return done;
  }
  if (isBusy(old)) return false;
  replace(old, fresh);
  return true;
}

function reconcile(parent, wanted) {
  let done = true;
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const fresh of [...wanted.children]) {
    const old = known.get(fresh.dataset.key);
    known.delete(fresh.dataset.key);
    if (old) {
      done = settle(old, fresh) && done;
    } else {
      remember(fresh);
      parent.append(fresh);
      if (fresh.matches(".card")) fresh.classList.add("fresh");
    }
    const current = old && old.isConnected ? old : fresh;
    const next = before ? before.nextElementSibling : parent.firstElementChild;
    if (current !== next) parent.insertBefore(current, next);
    before = current;
  }
  for (const gone of known.values()) {
    if (isBusy(gone)) done = false;
    else gone.remove();
  }
  return done;
}

let fetching = false;
let again = false;
let typing = false;

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch("/page/board", { headers: { "X-Fragment": "1" }, cache: "no-store" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    typing = !reconcile(board, fresh);
    const headline = board.querySelector("h1");
    if (headline) document.title = `${headline.textContent} · replenish`;
  } catch {
    // EventSource reconnects and then triggers a refresh
  } finally {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

board.addEventListener("focusout", () => {
  if (typing) setTimeout(refresh, 0);
});

// --- the stream ---------------------------------------------------------------------------------

function show(state, text) {
  live.dataset.state = state;
  live.querySelector("[data-live-text]").textContent = text;
}

function listen() {
  const stream = new EventSource("/live");
  stream.addEventListener("hello", () => {
    show("on", "Live");
    refresh();
  });
  stream.addEventListener("changed", refresh);
  stream.addEventListener("ended", () => location.reload());
  stream.addEventListener("error", () => {
    show("away", "Reconnecting");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

// --- forms and reasons --------------------------------------------------------------------------

let hideToast;

function showToast(text, tone) {
  toast.textContent = text;
  toast.className = `toast ${tone}`;
  toast.hidden = false;
  clearTimeout(hideToast);
  hideToast = setTimeout(() => {
    toast.hidden = true;
  }, TOAST_MS);
}

function confirmOnce(button) {
  if (!button.dataset.sure || button.classList.contains("sure")) return true;
  const text = button.textContent;
  button.textContent = button.dataset.sure;
  button.classList.add("sure");
  setTimeout(() => {
    button.textContent = text;
    button.classList.remove("sure");
  }, CONFIRM_MS);
  return false;
}

async function send(form, button) {
  button.disabled = true;
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (answer.status === 401) return location.reload();
    const result = await answer.json();
    showToast(result.message, result.ok ? "good" : "low");
    if (result.ok) {
      document.activeElement?.blur();
      form.closest("details")?.removeAttribute("open");
      refresh();
    }
  } catch {
    showToast("No connection. Please try again.", "low");
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("[data-board]")) return;
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  if (confirmOnce(button)) send(form, button);
});

document.addEventListener(
  "toggle",
  async (event) => {
    const details = event.target;
    const place = details.querySelector?.(".why-text");
    if (!details.dataset?.why || !details.open || !place || place.dataset.loaded) return;
    place.dataset.loaded = "yes";
    try {
      const answer = await fetch(details.dataset.why, { headers: { "X-Fragment": "1" } });
      if (answer.status === 401) return location.reload();
      place.innerHTML = await answer.text(); // output of why.html, escaped by the template
    } catch {
      delete place.dataset.loaded;
    }
  },
  true,
);

remember(board);
listen();
