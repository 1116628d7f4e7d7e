#!/usr/bin/env python3
"""Opens HTML reports in a real browser, without a display, and holds them to their JSON reports.

    apt-get install chromium chromium-driver
    TRAILPROOF=target/debug/trailproof python3 tests/peer/browser.py [FOLDER]

Each page is opened from disk by Debian's chromium, driven by chromedriver through the WebDriver protocol. It must raise no
console message, ask for nothing but itself, run no script, show every finding, and draw as many cells of each state as
its JSON report has hours or days of it; the pictures of single days are read back pixel by pixel. Screenshots, light,
dark and as printed, go to FOLDER if it is named. Standard library only.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import kit

TRAILPROOF = str(Path(os.environ.get("TRAILPROOF", kit.REPOSITORY / "target/debug/trailproof")).resolve())
LETTERS = {"p": "proved", "q": "quiet", "g": "gap", "u": "unverified", "t": "tampered"}
# The gravest of a cell's states is drawn.
GRAVITY = "nqpgut"
COLOURS = {"9cc3ea": "q", "2d7dd2": "p", "7a7f87": "g", "e8a317": "u", "d1123f": "t"}
FIXTURES = ["intact_day", "log_modified", "digest_missing", "chain_stopped_inside", "log_name_escape", "no_digests",
            "intact_backfill", "key_unknown_middle"]


class Browser:
    """One chromium, spoken to through chromedriver."""

    def __init__(self, scratch):
        driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
        if not driver or not chromium:
            sys.exit("browser.py: chromium and chromedriver are needed: apt-get install chromium chromium-driver")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        for _ in range(100):
            with contextlib.suppress(OSError):
                self.call("GET", "/status")
                break
            time.sleep(0.1)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--window-size=1280,900", f"--user-data-dir={scratch}/profile"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": chromium, "args": flags},
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{session['sessionId']}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        # A proxy in the environment is not for this.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, page):
        self.call("POST", "/url", {"url": page.as_uri()})

    def ask(self, script):
        """What an expression of the page is worth, asked from outside: the page itself runs no script."""
        answer = self.devtools("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def requests(self):
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def media(self, kind, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", media=kind, features=features)

    def screenshot(self, file):
        """The page from its top, up to what is worth looking at of the longest."""
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 3600), "scale": 1}
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(shot["data"]))

    def print(self):
        return base64.b64decode(self.devtools("Page.printToPDF", printBackground=False)["data"])

    def close(self):
        with contextlib.suppress(OSError):
            self.call("DELETE", "")
        self.process.terminate()
        self.process.wait()


MAP = """(() => {
  const map = document.querySelector('svg.map');
  if (!map) return null;
  const rows = [...map.querySelectorAll('g[data-chain]')].map(row => ({
    chain: +row.dataset.chain,
    paths: [...row.querySelectorAll('path')].map(path => [path.getAttribute('class'), path.getAttribute('d'),
      getComputedStyle(path).stroke, path.getBoundingClientRect().width]),
  }));
  return {cell: +map.dataset.cell, cells: +map.dataset.cells, rows, axis: document.querySelector('p.axis').textContent};
})()"""

PIXELS = """(async () => {
  const hours = [];
  for (const svg of document.querySelectorAll('svg.hours')) {
    const picture = new Image();
    picture.src = svg.querySelector('image').getAttribute('href');
    await picture.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    const pen = canvas.getContext('2d');
    pen.drawImage(picture, 0, 0);
    const data = pen.getImageData(0, 0, canvas.width, canvas.height).data, counts = {};
    for (let at = 0; at < data.length; at += 4) {
      const colour = data[at + 3] ? [0, 1, 2].map(i => data[at + i].toString(16).padStart(2, '0')).join('') : 'none';
      counts[colour] = (counts[colour] || 0) + 1;
    }
    hours.push({chain: +svg.parentElement.id.slice(1), width: canvas.width, height: canvas.height, counts});
  }
  return hours;
})()"""


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def cells_of(timeline, cell):
    """The gravest state in each cell of so many seconds, as the method says that it is drawn."""
    at, stretches = int(moment(timeline["start"]).timestamp()), []
    for count, letter in re.findall(r"(\d+)([a-z])", timeline["runs"]):
        end = at + int(count) * timeline["step"]
        stretches.append((at, end, letter))
        at = end
    if not stretches:
        return {}
    phases = Counter(start % 3600 for start, _, _ in stretches)
    phases[stretches[-1][1] % 3600] += 1
    most = max(phases.values())
    phase = min(phase for phase, count in phases.items() if count == most)
    drawn = {}
    for start, end, letter in stretches:
        for index in range((start - phase) // cell, (end - 1 - phase) // cell + 1):
            drawn[index] = max(drawn.get(index, "n"), letter, key=GRAVITY.index)
    return drawn


def counted(drawn):
    counts = Counter(drawn.values())
    counts.pop("n", None)
    return counts


def drawn_cells(row):
    """Cells of each state that a row of the map has, by the steps of its paths."""
    counts = Counter()
    for classes, path, stroke, width in row["paths"]:
        assert stroke != "none" and width > 0, f"a path that is not seen: {classes} {stroke} {width}"
        counts[classes.split()[0]] += sum(int(step) for step in re.findall(r"h(\d+)", path))
    return counts


def check_map(browser, report):
    drawn = browser.ask(MAP)
    chains = [(i, c["timeline"]) for i, c in enumerate(report["chains"]) if c["timeline"]]
    if not chains:
        assert drawn is None, "a map of nothing"
        return 0
    rows = {row["chain"]: drawn_cells(row) for row in drawn["rows"]}
    assert set(rows) == {index for index, _ in chains}, "a row for each chain"
    for index, timeline in chains:
        expected = counted(cells_of(timeline, drawn["cell"]))
        assert rows[index] == expected, f"chain {index}: drawn {rows[index]}, reported {expected}"
    for hours in browser.ask(PIXELS):
        expected = counted(cells_of(report["chains"][hours["chain"]]["timeline"], 3600))
        seen = Counter({COLOURS[colour]: n for colour, n in hours["counts"].items() if colour != "none"})
        assert seen == expected, f"chain {hours['chain']} by the hour: drawn {seen}, reported {expected}"
        assert 24 in (hours["width"], hours["height"])
    return sum(sum(row.values()) for row in rows.values())


def check_words(browser, report, all_shown):
    seen = browser.ask("""({
      verdict: document.querySelector('h1').textContent,
      findings: document.querySelectorAll('p.subject').length,
      scripts: document.scripts.length, frames: document.querySelectorAll('iframe,object,embed').length,
      text: document.body.textContent, title: document.title,
      unnamed: [...document.querySelectorAll('svg')].filter(s => s.getAttribute('aria-hidden') !== 'true'
        && !s.getAttribute('aria-label') && !s.getAttribute('aria-labelledby')).length,
      headings: [...document.querySelectorAll('h1,h2')].map(h => h.textContent),
      lost: [...document.querySelectorAll('a[href]')].filter(a => {
        const to = a.getAttribute('href'); return !to.startsWith('#') || !document.getElementById(to.slice(1)); }).length,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    })""")
    assert seen["verdict"] == report["verdict"], seen["verdict"]
    assert (seen["scripts"], seen["frames"], seen["unnamed"], seen["lost"]) == (0, 0, 0, 0), seen
    assert seen["wide"] <= 0, f"the page is {seen['wide']} pixels too wide"
    shown, said = seen["findings"], len(report["findings"])
    assert shown == said if all_shown else 0 < shown <= said, f"{shown} of {said} findings"
    for key in report["keys"]:
        assert key["fingerprint"] in seen["text"]
    return shown


def check(browser, name, page, report, all_shown=True, shots=None):
    browser.media("screen", "light")
    browser.log("browser"), browser.requests()
    begun = time.monotonic()
    browser.open(page)
    took = time.monotonic() - begun
    asked = [url for url in browser.requests() if url != page.as_uri() and not url.startswith("data:")]
    assert not asked, f"asks for {asked}"
    findings = check_words(browser, report, all_shown)
    cells = check_map(browser, report)
    said = [entry["message"] for entry in browser.log("browser")]
    assert not said, f"the console has {said}"
    # Where it leads, a folded part opens, without a script.
    if any(chain["timeline"] for chain in report["chains"]):
        browser.call("POST", "/url", {"url": page.as_uri() + "#c0"})
        assert browser.ask("document.getElementById('c0').closest('details').open"), "a link into a fold opens it"
        browser.open(page)
    browser.media("print", "light")
    pdf = browser.print()
    assert pdf.startswith(b"%PDF"), "it can be printed"
    if shots:
        for scheme in ["light", "dark"]:
            browser.media("screen", scheme)
            browser.screenshot(shots / f"{name}_{scheme}.png")
        browser.media("print", "light")
        browser.screenshot(shots / f"{name}_print.png")
        (shots / f"{name}.pdf").write_bytes(pdf)
    pages = max(map(int, re.findall(rb"/Count (\d+)", pdf)))
    print(f"  {name:24} {page.stat().st_size:>9,} bytes  {findings:>5} findings  {cells:>6} cells  {pages:>3} printed pages  "
          f"opened in {took:.1f} s")


def fixture(folder, scratch):
    """A fixture's page, and its JSON report."""
    name = folder.name
    case = json.loads((folder / "case.json").read_text())
    source = "delivery" + ("/" + case["source"] if case.get("source") else "")
    page, run = scratch / f"{name}.html", scratch / f"{name}.json"
    command = [TRAILPROOF, "validate", source, "--public-keys", "delivery/public-keys.json", *case["validate"], "-q",
               "--report", f"html={page}", "--report", f"json={run}"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == case["expect"]["exit"], f"{name}: exit code {done.returncode}"
    return page, json.loads(run.read_text())


def runs(states):
    """`pppq` as `3p1q`."""
    return "".join(f"{len(run.group())}{run.group()[0]}" for run in re.finditer(r"(.)\1*", states))


def year(report, scratch, chains=200, findings=10_000):
    """A report of a year of 200 chains with 10,000 findings, made of a real one, and its page."""
    start = moment("2025-09-01T00:06:57Z")
    regions = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1",
               "ca-central-1", "eu-north-1", "ap-south-1"]
    report = {**report, "chains": [], "findings": []}
    model = {"trail": "organization-audit", "home_region": "us-east-1", "organization": "o-abcdefghij", "backfill": False}
    for number in range(chains):
        # Busy in working hours, quiet at night and elsewhere, and now and then trouble.
        quiet = [hour % 24 < (7 + number % 10) or (hour * 7 + number * 13) % (number % 9 + 3) == 0 for hour in range(8760)]
        states = ["q" if still else "p" for still in quiet]
        gaps = 0
        if number % 23 == 5:
            states[4000:4000 + 30 * (number % 4 + 1)] = "g" * (30 * (number % 4 + 1))
            gaps = 1
        if number % 31 == 7:
            states[6100 + number] = "t"
        if number % 41 == 9:
            states[2000:2200] = "u" * 200
        account, region = f"{111122220000 + number // len(regions):012}", regions[number % len(regions)]
        end = start + timedelta(hours=8760)
        report["chains"].append({
            "account": account, "region": region, **model,
            "covered": [{"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "end": end.strftime("%Y-%m-%dT%H:%M:%SZ")}],
            "digests": 8760, "logs": 5000, "gaps": gaps,
            "timeline": {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "step": 3600, "runs": runs("".join(states))}})
    # As a run writes them, and as they are drawn.
    report["chains"].sort(key=lambda chain: (chain["account"], chain["region"]))
    for number in range(findings):
        chain = report["chains"][number % chains]
        base = f"s3://organization-trail-logs/AWSLogs/o-abcdefghij/{chain['account']}/"
        report["findings"].append({
            "kind": "log-modified", "severity": "tampered", "account": chain["account"], "region": chain["region"],
            "trail": chain["trail"], "home_region": chain["home_region"], "organization": chain["organization"],
            "backfill": chain["backfill"],
            "uri": f"{base}CloudTrail/{chain['region']}/2026/05/13/{chain['account']}_CloudTrail_{chain['region']}_{number:016}.json.gz",
            "digest": f"{base}CloudTrail-Digest/{chain['region']}/2026/05/13/{number:016}.json.gz",
            "message": "the content does not have the hash that the digest lists", "expected": f"{number:064x}", "actual": f"{number + 1:064x}",
            "start": None, "end": None, "reason": None})
    report["verdict"] = "tampered"
    report["counts"]["digests"] = {"valid": chains * 8760, "tampered": 0, "unverified": 0}
    report["counts"]["logs"] = {"valid": 1_000_000 - findings, "tampered": findings, "unverified": 0, "unreferenced": 0}
    page, run = scratch / "year.html", scratch / "year.json"
    run.write_text(json.dumps(report))
    begun = time.monotonic()
    subprocess.run([TRAILPROOF, "report", str(run), "--report", f"html={page}", "-q"], check=True, stdout=subprocess.DEVNULL)
    took = time.monotonic() - begun
    print(f"  1,000,000 log files, {findings:,} findings, {chains} chains of a year: {run.stat().st_size:,} bytes of JSON, "
          f"rendered in {took:.1f} s")
    assert page.stat().st_size < 2_000_000, page.stat().st_size
    return page, report


def main():
    shots = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    cases = kit.cases()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        browser = Browser(scratch)
        try:
            version = browser.devtools("Browser.getVersion")["product"]
            print(f"HTML reports in {version}")
            for name in FIXTURES:
                page, report = fixture(cases[name], scratch)
                check(browser, name, page, report, shots=shots)
            page, report = year(report, scratch)
            check(browser, "year", page, report, all_shown=False, shots=shots)
        finally:
            browser.close()
    print(f"{len(FIXTURES) + 1} pages: no console message, no request, every cell and every finding as reported")


if __name__ == "__main__":
    main()
