"""Called by check-pages: opens each page in Chromium over its DevTools protocol, and runs axe-core on it."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import axe_core_python
import websocket

WIDTHS = {"desktop": 1280, "phone": 360}
SCHEMES = ["light", "dark"]
AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Tab:
    """One page of a browser."""

    def __init__(self, url):
        self.socket = websocket.create_connection(url, timeout=60, suppress_origin=True)
        self.number = 0

    def send(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def run(self, script):
        result = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def open(self, url):
        self.send("Page.navigate", url=url)
        self.wait(f"location.href !== 'about:blank' && document.readyState === 'complete' && location.href.split('#')[0] === {json.dumps(url)}")

    def wait(self, condition):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if self.run(condition):
                    return
            except RuntimeError:
                pass  # The browser is between two pages.
            time.sleep(0.05)
        raise TimeoutError(condition)


def chromium(profile):
    process = subprocess.Popen(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        found = re.search(r"ws://(127\.0\.0\.1:\d+)/", line)
        if found:
            with urllib.request.urlopen(f"http://{found[1]}/json/list") as answer:
                page = next(target for target in json.load(answer) if target["type"] == "page")
            return process, Tab(page["webSocketDebuggerUrl"])
    raise RuntimeError("chromium did not start")


def findings(tab):
    tab.run(AXE)
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
    found = tab.run(f"axe.run(document, {options}).then(r => r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 200))]))")
    wide = tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        found.append(["sideways", f"the page is {wide} pixels wider than the screen", []])
    return found


ADMIN = {"Authorization": f"Bearer {os.environ.get('ADMIN_TOKEN')}"}


def request(method, path, body=None, headers=None):
    """Sends a request to the shop, and returns the answer's JSON."""
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(os.environ["WHARF"] + path, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(call) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.read().decode()}") from error


def letter(number, queue, operation, cause, detail, body):
    times = dict.fromkeys(["firstSeenAt", "lastSeenAt", "firstFailedAt"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1500 * number)))
    text = json.dumps(body)
    attempts = [{"at": times["firstSeenAt"], "worker": f"{queue.split('.')[0]}-{n}", "cause": cause, "detail": detail} for n in (1, 2)]
    return {"id": str(uuid.uuid4()), "messageId": str(uuid.uuid4()), "operation": operation, "queue": queue, "cause": cause, "detail": detail, "attempts": 8, "state": "open",
            "seen": 1, **times, "properties": {"contentType": "application/json", "persistent": True}, "headers": {"origin": queue, "attempt": 8}, "body": text,
            "bodyEncoding": "text", "bodyBytes": len(text), "original": base64.b64encode(b'{"headers":{}}').decode(), "history": attempts}


def fill():
    """Creates orders, letters, a job and other content for each page in an empty shop."""
    request("POST", "/v1/products", {"sku": "LOOK", "name": "Coffee", "price": {"amount": 1190, "currency": "EUR"}}, ADMIN)
    request("PUT", "/v1/stock/LOOK", {"onHand": 100}, ADMIN)
    orders = []
    for card in ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"]:
        cart = request("POST", "/v1/carts")["id"]
        request("PUT", f"/v1/carts/{cart}/items/LOOK", {"quantity": 2})
        address = {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}
        placed = request("POST", "/v1/checkouts", {"cartId": cart, "email": "ada@wharf.example", "shippingAddress": address,
                                                  "payment": {"gateway": "stripe", "paymentMethod": card}}, {"Idempotency-Key": cart, "Prefer": "wait=10"})
        orders.append(placed["order"]["id"])
    letters = [letter(0, "payments.commands", "payments.webhooks.stripe", "malformed-event", "the event <evt_1> has no type", {"id": "evt_1", "order": orders[0]})]
    letters += [letter(n, "payments.commands", "payments.charge", "gateway-unreachable", f"the gateway did not answer within {n + 3} s",
                      {"orderID": orders[n % 3].upper(), "amount": {"amount": 2380, "currency": "EUR"}, "note": "<script>alert(1)</script>"}) for n in range(1, 10)]
    letters += [letter(n, "notifications.commands", "order.confirmed", "malformed-message", "the member orderID is missing", {"order": n}) for n in range(3)]
    letters += [letter(5, "catalog.commands", "catalog.stock.reserve", "handler-failed", "division by zero in <StockStore>", {"lines": []})]
    for each in letters:
        request("POST", "/v1/dead-letters", each, ADMIN)
    request("PUT", f"/v1/dead-letters/{letters[0]['id']}/edit", {"body": json.dumps({**json.loads(letters[0]["body"]), "type": "charge.succeeded"})}, ADMIN)
    request("POST", "/v1/dead-letters/jobs", {"action": "discard", "filter": {"cause": "malformed-message"}}, ADMIN)


def sign_in(tab, console, email, password):
    tab.open(f"{console}/sign-in")
    tab.run(f"document.querySelector('[name=email]').value = {json.dumps(email)}; document.querySelector('[name=password]').value = {json.dumps(password)};"
            "document.querySelector('main form').submit()")
    tab.wait(f"location.href.startsWith({json.dumps(console)}) && !location.href.includes('/sign-in') && document.readyState === 'complete'")


def links(tab, pattern):
    """The pages to which the current one links."""
    found = tab.run("[...document.querySelectorAll('main a[href]')].map(a => a.href)")
    return next((link for link in found if re.search(pattern, link)), None)


def pages(tab, console):
    """The console's pages by name, with one page of each kind of content."""
    found = {name or "overview": f"{console}/{name}".rstrip("/") for name in ["", "groups", "letters", "waiting", "jobs", "checkouts", "payments", "notifications"]}
    steps = [
        ("letters", "letter", r"/letters/[0-9a-f-]{36}$"), ("jobs", "job", r"/jobs/[0-9a-f-]{36}$"), ("notifications", "order", r"/checkouts/[0-9a-f-]{36}$"),
        ("notifications", "resend", r"/resend"), ("payments", "settle", r"/settle"),
    ]
    for start, name, pattern in steps:
        tab.open(f"{console}/{start}")
        link = links(tab, pattern)
        if link:
            found[name] = link
    for name, actions in [("letter", ["replay", "edit"]), ("order", ["compensate", "assign"])]:
        for action in actions if name in found else []:
            found[f"{name}-{action}"] = f"{found[name]}/{action}"
    found["replay-all"] = f"{console}/jobs/new?action=replay"
    found["waiting-send"] = f"{console}/waiting/send?cause=mail-not-sent"
    return found


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    shop, console = os.environ["WHARF"], os.environ["CONSOLE"]
    fill()
    count = bad = 0
    with tempfile.TemporaryDirectory() as profile:
        process, tab = chromium(profile)
        try:
            sheets = {"sign-in": f"{console}/sign-in"}
            sign_in(tab, console, os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"])
            sheets.update(pages(tab, console))
            sheets.update({"docs": f"{shop}/docs", "docs-concepts": f"{shop}/docs/concepts", "docs-operation": f"{shop}/docs/carts.checkouts.create"})
            tab.send("Page.setBypassCSP", enabled=True)  # axe-core is not one of the page's scripts
            for name, url in sheets.items():
                for width, pixels in WIDTHS.items():
                    for scheme in SCHEMES:
                        tab.send("Emulation.setDeviceMetricsOverride", width=pixels, height=900, deviceScaleFactor=1, mobile=width == "phone")
                        tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                        tab.open(url)
                        count += 1
                        for rule, text, nodes in findings(tab):
                            bad += 1
                            print(f"{name} {width} {scheme}: {rule}: {text}")
                            for node in nodes[:3]:
                                print(f"    {node}")
                        if folder:
                            shot = tab.send("Page.captureScreenshot", captureBeyondViewport=True)
                            (folder / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))
        finally:
            process.terminate()
            process.wait()
    print(f"check-pages: {count} views of {len(sheets)} pages, {bad} findings")
    sys.exit(1 if bad else 0)


main()
