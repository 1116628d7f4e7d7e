"""The cases of `fixtures/`, each with its delivery, which the tests write: `cargo test --test it fixtures::write`.

They are written to the folder `fixtures` in cargo's target folder, and only where one is not there yet or is not the one
whose SHA-256 is in `case.json`. What that hash is of is told in `fixtures/README.md`; it is taken here once more, apart
from the tests' own code.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
WRITTEN = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target") / "fixtures"
WRITE = "cargo test --quiet --locked --test it fixtures::write -- --ignored"


def sha256(delivery):
    """The hash of a delivery: over a line for each file and each link, in the order of their paths' bytes."""
    lines = []
    for folder, folders, names in os.walk(delivery):
        for path in (Path(folder, name) for name in names + [name for name in folders if Path(folder, name).is_symlink()]):
            content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
            mark = "@" if path.is_symlink() else " "
            lines.append((os.fsencode(path.relative_to(delivery).as_posix()), hashlib.sha256(content).hexdigest(), mark))
    text = b"".join(f"{digest} {mark}".encode() + path + b"\n" for path, digest, mark in sorted(lines))
    return hashlib.sha256(text).hexdigest()


def is_written(kept):
    """Whether a case is written as it is kept."""
    written, text = WRITTEN / kept.name, (kept / "case.json").read_bytes()
    if not (written / "case.json").is_file() or (written / "case.json").read_bytes() != text:
        return False
    return sha256(written / "delivery") == json.loads(text)["delivery_sha256"]


def cases():
    """The folder of each case by its name: `case.json` and `delivery/`."""
    kept = [path.parent for path in sorted(REPOSITORY.glob("fixtures/*/case.json"))]
    if not all(map(is_written, kept)):
        environment = os.environ | {"TRAILPROOF_FIXTURES": str(WRITTEN)}
        done = subprocess.run(WRITE.split(), cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"`{WRITE}` fails:\n{done.stdout}{done.stderr}")
    if wrong := [case.name for case in kept if not is_written(case)]:
        sys.exit(f"not the deliveries that `case.json` tells of: {', '.join(wrong)}")
    return {case.name: WRITTEN / case.name for case in kept}
