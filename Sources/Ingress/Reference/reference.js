// What the reference does beyond showing text: search, the reader's language, and trying an operation. The pages can be read without it.
'use strict';

for (const element of document.querySelectorAll('.origin')) element.textContent = location.origin;

// Storage is absent where the reader has turned it off.
function stored(storage, name, value) {
  try {
    if (value === undefined) return window[storage].getItem(name);
    window[storage].setItem(name, value);
  } catch { /* Nothing is remembered then. */ }
  return null;
}

// The language of the examples
const language = stored('localStorage', 'wharf-language');
for (const choice of document.querySelectorAll('input[name=language]')) {
  if (choice.value === language) choice.checked = true;
  choice.addEventListener('change', () => stored('localStorage', 'wharf-language', choice.value));
}

// Search: every word must occur in what the document says about an operation.
const search = document.querySelector('.search');
if (search) {
  const input = search.querySelector('input');
  const found = search.querySelector('.found');
  const links = [...document.querySelectorAll('nav li a')];
  let texts;

  // Searches the concepts, and each operation with its parameters and schemas. The document is fetched once, at the first search.
  async function load() {
    const reply = await fetch('/openapi.json');
    if (!reply.ok) return new Map();
    const api = await reply.json();
    const at = (reference) => reference.slice(2).split('/').reduce((node, part) => node && node[part], api);
    const opened = (text, depth) => text.replace(/\{"\$ref":"(#\/components\/(?:schemas|parameters)\/\w+)"[^}]*\}/g,
      (all, reference) => depth > 0 ? all + opened(JSON.stringify(at(reference) ?? ''), depth - 1) : all);
    const result = new Map();
    for (const section of api.info.description.split(/^## /m).slice(1)) result.set(section.slice(0, section.indexOf('\n')), section.toLowerCase());
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (!operation.operationId) continue;
        const { responses, ...rest } = operation;
        const good = Object.entries(responses).filter(([status]) => status.startsWith('2'));
        result.set(`${method} ${path}`, opened(JSON.stringify([rest, good]), 2).toLowerCase());
      }
    }
    return result;
  }

  async function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length > 0) texts ??= load().catch(() => new Map());
    const known = words.length > 0 ? await texts : new Map();
    let count = 0;
    for (const link of links) {
      const operation = link.dataset.operation ?? link.textContent;
      const text = `${link.textContent} ${operation} ${known.get(operation) ?? ''}`.toLowerCase();
      const matches = words.every((word) => text.includes(word));
      link.parentElement.hidden = !matches;
      if (matches) count += 1;
    }
    for (const list of document.querySelectorAll('nav > ul')) {
      const isEmpty = [...list.children].every((item) => item.hidden);
      list.hidden = isEmpty;
      if (list.previousElementSibling?.tagName === 'H2') list.previousElementSibling.hidden = isEmpty;
    }
    found.textContent = words.length === 0 ? '' : count === 1 ? '1 page' : `${count} pages`;
  }

  search.hidden = false;
  input.addEventListener('input', filter);
  search.addEventListener('submit', (event) => {
    event.preventDefault();
    links.find((link) => !link.parentElement.hidden)?.click();
  });
  document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
}

// On a phone a link within the page closes the menu.
const menu = document.querySelector('nav[popover]');
menu?.addEventListener('click', (event) => {
  if (event.target.closest('a') && menu.matches(':popover-open')) menu.hidePopover();
});

// Try it
const shown = 100000;
const requestTimeout = 60000;

// Without randomUUID, which browsers have on secure origins only.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll('input[data-in]')) {
    const { name } = input.dataset;
    if (input.dataset.in === 'path') path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value === '') continue;
    else if (input.dataset.in === 'header') headers[name] = input.value;
    // A family of parameters, such as attribute.colour=red, is written as one.
    else if (input.value.includes('=') && name === 'attribute') for (const [key, value] of new URLSearchParams(input.value)) query.append(key, value);
    else query.append(name, input.value);
  }
  const token = form.querySelector('input[name=token]')?.value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const options = { method: form.dataset.method, headers, cache: 'no-store', signal: AbortSignal.timeout(requestTimeout) };
  const body = form.querySelector('textarea');
  if (body) {
    options.body = body.value;
    headers['Content-Type'] = body.dataset.type;
  }
  const text = query.toString();
  return [path + (text ? `?${text}` : ''), options];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  if (name === 'pre') made.tabIndex = 0;
  return made;
}

async function send(form, answer) {
  const [path, options] = request(form);
  const started = performance.now();
  const reply = await fetch(path, options);
  const text = await reply.text();
  const milliseconds = Math.round(performance.now() - started);
  const parts = [element('p', `${reply.status} after ${milliseconds} ms: ${options.method} ${path}`)];
  const headers = ['location', 'etag', 'retry-after', 'idempotent-replayed', 'preference-applied', 'x-request-id']
    .flatMap((name) => reply.headers.has(name) ? [`${name}: ${reply.headers.get(name)}`] : []);
  parts.push(element('pre', headers.join('\n')));
  let body = text;
  try {
    const value = JSON.parse(text);
    body = JSON.stringify(value, null, 2);
    if (form.dataset.operation === 'users.sessions.create' && reply.ok) stored('sessionStorage', 'wharf-token', value.token);
  } catch { /* Shown as it is. */ }
  if (body) parts.push(element('pre', body.length > shown ? `${body.slice(0, shown)}\n… cut here` : body));
  answer.replaceChildren(...parts);
  const key = form.querySelector('input[data-name="Idempotency-Key"]');
  if (key && reply.ok) key.value = newKey();
}

for (const section of document.querySelectorAll('.try')) {
  const form = section.querySelector('form');
  const answer = section.querySelector('.answer');
  const button = form.querySelector('button');
  const key = form.querySelector('input[data-name="Idempotency-Key"]');
  const token = form.querySelector('input[name=token]');
  if (key) key.value = newKey();
  if (token) {
    token.value = stored('sessionStorage', 'wharf-token') ?? '';
    token.addEventListener('change', () => stored('sessionStorage', 'wharf-token', token.value));
  }
  section.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    answer.replaceChildren(element('p', 'Waiting for the answer.'));
    try {
      await send(form, answer);
    } catch (error) {
      answer.replaceChildren(element('p', `There was no answer: ${error.message}`));
    }
    button.disabled = false;
  });
}
