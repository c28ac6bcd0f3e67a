// Reloads a page that shows progress, unless its reader turns that off. Without this script, reload the page in the browser.
"use strict";

const page = document.querySelector("main[data-reload]");
const place = document.querySelector(".live");

if (page && place) {
  const key = "wharf-console-live";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = sessionStorage.getItem(key) !== "off";
  const words = document.createElement("span");
  words.textContent = `Update every ${page.dataset.reload} seconds`;
  const label = document.createElement("label");
  label.className = "check";
  label.append(box, words);
  place.append(label);

  let timer;
  const wait = () => {
    clearTimeout(timer);
    if (box.checked) timer = setTimeout(reload, Number(page.dataset.reload) * 1000);
  };
  // Does not reload while the reader is using the page, or while the window is hidden.
  const reload = () => {
    const focused = document.activeElement;
    const busy = document.hidden || page.contains(focused) && focused !== page && focused !== box;
    if (busy) wait(); else location.replace(location.pathname);
  };
  box.addEventListener("change", () => {
    sessionStorage.setItem(key, box.checked ? "on" : "off");
    wait();
  });
  wait();
}
