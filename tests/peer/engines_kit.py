"""What the engines' checks share: deliveries, recipes of `trailproof deploy`, processes that are killed, comparison."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aws_cli
import kit

BINARY = aws_cli.BINARY
END = "2026-09-09T00:06:57Z"

# A delivery of 20,000 objects in four regions, of which some were tampered with.
LARGE = ["--account-id", "111122223333", "--account-id", "444455556666", "--region", "us-east-1", "--region", "eu-west-1"]
LARGE += ["--start-time", "2026-09-01T00:06:57Z", "--hours", "192", "--logs-per-hour", "25", "--events-per-log", "2"]
LARGE += ["--shared-body", "--tamper", "log-modified@middle", "--tamper", "log-deleted@last", "--tamper", "digest-deleted@50"]

# Lines of a JSON report that tell of the run alone.
OF_THE_RUN = ('  "started":', '  "finished":', '  "command":')

# Stands before the program on the PATH. The first process that runs a shard is killed, or kills what it belongs to.
PROGRAM = """#!/bin/bash
if [ "$1 $2" = "shards run" ] && mkdir '{flag}' 2>/dev/null; then
    {kill}
fi
exec '{binary}' "$@"
"""
KILLS = {
    "nothing": ":",
    "process": "kill -9 $$",
    "parent": "kill -9 $PPID; exit 1",
    # The executor of Spark, a Java process somewhere above.
    "executor": """pid=$PPID
    while [ "$pid" -gt 1 ] && ! tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q CoarseGrainedExecutorBackend; do
        pid=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
    done
    [ "$pid" -le 1 ] || kill -9 "$pid"
    sleep 5; exit 1""",
}


@dataclass
class Delivery:
    name: str
    sources: list
    options: list
    bucket: str = ""
    folder: Path = None
    whole: "Verdict" = None
    spec: dict = field(default_factory=dict)

    @property
    def arguments(self):
        return [*self.sources, *self.options]


@dataclass
class Verdict:
    code: int
    report: str
    errors: str

    @property
    def judged(self):
        """The report without what tells of the run alone."""
        return "\n".join(line for line in self.report.splitlines() if not line.startswith(OF_THE_RUN))

    def verdict(self):
        return json.loads(self.report)["verdict"]

    def kinds(self):
        return {found["kind"] for found in json.loads(self.report)["findings"]}


class Wrong(Exception):
    """Something is not as it has to be."""


def run(command, path=None, **options):
    """A command's verdict. `path` is put before the PATH."""
    environment = os.environ | options.pop("env", {})
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=280, **options
    )
    return Verdict(done.returncode, done.stdout, done.stderr)


def cases(names):
    """The fixtures by these names, as copies on disk."""
    folders = kit.cases()
    for name in names:
        spec = json.loads((folders[name] / "case.json").read_text())
        delivery = folders[name] / "delivery"
        options = ["--public-keys", str(delivery / "public-keys.json"), *spec["validate"]]
        yield judged(Delivery(name, [str(delivery / spec.get("source", ""))], options, folder=delivery, spec=spec))


def large(folder):
    """The large delivery, made now."""
    made = folder / "large"
    done = run([BINARY, "simulate", made, *LARGE])
    if done.code != 0:
        sys.exit(f"`trailproof simulate` fails: {done.errors}")
    options = ["--public-keys", f"{made}/public-keys.json", "--end-time", END, "--objects-per-shard", "2000"]
    return judged(Delivery("20,000 objects", [str(made)], options, folder=made))


def judged(delivery):
    """Adds the report of one run of `trailproof validate`."""
    options = list(delivery.options)
    if "--objects-per-shard" in options:
        at = options.index("--objects-per-shard")
        del options[at : at + 2]
    delivery.whole = run([BINARY, "validate", "--format", "json", *options, *delivery.sources])
    if delivery.whole.code not in (0, 1, 3):
        sys.exit(f"{delivery.name}: `trailproof validate` fails: {delivery.whole.errors}")
    return delivery


def recipe(target, file, delivery, *options, fill=()):
    """Writes the printed recipe to a file, with its names filled in."""
    done = run([BINARY, "deploy", target, "--format", "json", *options, *delivery.options, *delivery.sources])
    if done.code != 0:
        raise Wrong(f"`deploy {target}`: exit code {done.code}: {done.errors}")
    text = done.report
    for name, value in fill:
        if name not in text:
            raise Wrong(f"`deploy {target}` does not have `{name}`")
        text = text.replace(name, value)
    if "YOUR_" in text:
        raise Wrong(f"`deploy {target}`: a name is not filled in: {text[text.index('YOUR_') :][:30]}")
    file.write_text(text)
    return file


def program(folder, kill="nothing"):
    """A folder for the PATH with `trailproof` in it, of which a process is killed once."""
    folder.mkdir()
    file = folder / "trailproof"
    file.write_text(PROGRAM.format(flag=folder / "killed", binary=BINARY, kill=KILLS[kill]))
    file.chmod(0o755)
    return folder


def was_killed(path):
    if not (path / "killed").is_dir():
        raise Wrong("no process was killed")


def equal(delivery, merged, ours=None):
    """Whether the merged report is that of one run."""
    wanted = ours or delivery.whole
    if merged.code != wanted.code:
        raise Wrong(f"exit code {merged.code}, not {wanted.code}: {merged.errors[-2000:]}")
    if merged.judged != wanted.judged:
        pairs = zip(wanted.judged.splitlines(), merged.judged.splitlines())
        differing = next((pair for pair in pairs if pair[0] != pair[1]), ("one is longer", ""))
        raise Wrong(f"another report: {differing[0]!a}, merged {differing[1]!a}")


def lost(merged):
    """Whether a report names a lost result."""
    if merged.code not in (1, 3) or "shard-incomplete" not in merged.kinds():
        raise Wrong(f"a lost result is not named: exit code {merged.code}, {sorted(merged.kinds())}")


def merge(plan, *results):
    return run([BINARY, "shards", "merge", plan, *results, "--format", "json"])


class Checks:
    """Runs checks, prints a line for each, and keeps what is wrong."""

    def __init__(self):
        self.wrong = []
        self.done = 0

    def check(self, engine, what, task):
        began = time.monotonic()
        try:
            task()
            said = "equal"
        except (Wrong, OSError, subprocess.TimeoutExpired, ValueError) as error:
            said = f"WRONG: {error}"
            self.wrong.append(f"{engine}: {what}: {error}")
        self.done += 1
        print(f"{engine:<16}{what:<44}{time.monotonic() - began:6.1f} s  {said}", flush=True)

    def skip(self, engine, why):
        print(f"{engine:<16}skipped: {why}", flush=True)


def scratch():
    return tempfile.TemporaryDirectory(prefix="trailproof-engines-")
