#!/usr/bin/env python3
"""A second opinion on the fixtures in S3: moto's server, asked by real HTTP.

Does what `aws_cli.py` does, with no client replaced. Each delivery is put into buckets with versions, and the real
`aws cloudtrail validate-logs` and `trailproof validate s3://BUCKET` both read it there:

    objects          with the metadata of their sidecars; what was deleted has a delete marker
    unreadable ones  archived: their storage class is GLACIER, which S3 refuses to give
    public keys      from an endpoint of our own, as moto has no `ListPublicKeys`

What explains a disagreement is in `aws_cli.LIMITS`, and in `IN_S3` where S3 differs from a copy on disk. trailproof's
findings have to be those of `case.json`, too, with `expect_versioned` where a case has it. And `trailproof validate-logs`
runs with the AWS CLI's own flags: stdout, stderr and exit code have to be the AWS CLI's, line by line, but for the cases
with a limit and those in `LINES`. Before that the commands that
only S3 and CloudTrail can show are run once: `simulate s3://…`, `--dry-run`, `trails`, and `validate` of a trail's ARN.

    python tests/peer/moto.py [CASE...]

Needs Python 3.11, awscli 1.46.3 and moto[server] 5.2.5. TRAILPROOF in the environment names the binary, as in
`aws_cli.py`. Exit code 0: everything is agreed or explained; 1: something is not.
"""

import contextlib
import difflib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aws_cli
import botocore.session
from aws_cli import Limit, Streams

# Tampering that deletes and leaves no trace.
TRACELESS = {"log-missing", "digest-missing", "chain-gap"}
VALIDITY = ("ValidityStartTime", "ValidityEndTime")
ACCOUNT = "123456789012"  # the one that moto's callers are
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"

# Where what S3 holds is judged otherwise than the copy on disk. `AGREED`: a row of `LIMITS` is not needed in S3.
AGREED = None
IN_S3 = [
    Limit(AGREED, AGREED, "the bucket that the copy on disk lacks is there in S3, and both read it", "part_after_move"),
    Limit(AGREED, AGREED, "in S3 a bucket's name is evidence, and both see that the digests name another", "relocated"),
    Limit(AGREED, AGREED, "what S3 does not have is gone, and what a copy does not have may not be delivered yet",
          "digest_deleted_before_move start_deleted start_deleted_asked"),
]

# Cases with a limit in which `trailproof validate-logs` prints line by line what the AWS CLI prints all the same: it
# judges the digests on both sides of the range, too, and cannot be told of a move either.
ALIKE = {"intact_mid_range", "intact_part_after_move", "intact_restart_outside", "relocated_modified", "relocated_named"}

# Cases without a limit in which the lines differ all the same, and why. In every other case without one they are alike.
LINES = {
    "digest_bomb": "it inflates all 512 MB, and tells that they are no digest",
    "log_not_gzip": "it calls what is no gzip an invalid format; a store may have inflated it on the way",
    "digest_deleted_trail": "the log files of the other trail, which was deleted whole, are named",
    "digest_malformed": "it prints what Python says of JSON that is no object",
    "digest_modified_backfill": "the log file that the forged backfill digest alone could vouch for is named",
    "digest_own_key": "it stops at the key that nobody knows; the successor tells that the content is forged",
    "intact_trail_lookalike": "it walks the chain of `audit_us-east-1_x` instead",
    "older_deleted_open": "it says nothing of the asked time before the oldest digest",
}

# The file whose bad entries are a notice. Here the keys come from CloudTrail, whose bad entries are passed over.
KEYS_FILE = "delivery/public-keys.json"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:
        return response.status == 200
    return False


@contextlib.contextmanager
def moto_server():
    """The address of a server that runs as long as the block does."""
    port = free_port()
    # `-P`, as this file has the name of the package.
    command = [sys.executable, "-P", "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while not answers(f"{url}/moto-api/data.json"):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    sys.exit(f"moto's server does not start:\n{log.read().decode(errors='replace')}")
                time.sleep(0.1)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


class KeyServer(ThreadingHTTPServer):
    """CloudTrail and Organizations for what moto lacks: the keys of a delivery, and the trail that is asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), KeyRequest)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.cloudtrail = None

    def ask(self, delivery, chain):
        self.cloudtrail = aws_cli.CloudTrail(delivery, chain)


class KeyRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        match self.headers["X-Amz-Target"].rpartition(".")[2]:
            case "ListPublicKeys":
                self.reply(200, self.list_public_keys(asked))
            case "DescribeTrails":
                self.reply(200, self.server.cloudtrail.describe_trails())
            case "DescribeOrganization":
                self.reply(200, self.server.cloudtrail.describe_organization())
            case _:
                self.reply(400, {"__type": "UnknownOperationException"})

    def list_public_keys(self, asked):
        times = {edge: datetime.fromtimestamp(asked[edge], timezone.utc) for edge in ("StartTime", "EndTime")}
        keys = self.server.cloudtrail.list_public_keys(**times)["PublicKeyList"]
        return {"PublicKeyList": [key | {edge: seconds(key[edge]) for edge in VALIDITY} for key in keys]}

    def reply(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def seconds(time):
    return datetime.fromisoformat(time).timestamp()


@contextlib.contextmanager
def key_server():
    with KeyServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class Buckets:
    """moto's S3, with the buckets of one delivery at a time."""

    def __init__(self, url):
        self.url = url
        self.s3 = botocore.session.get_session().create_client("s3")

    def hold(self, delivery):
        """Forgets everything, and takes in a delivery."""
        self.forget()
        disk = aws_cli.S3(delivery)
        for bucket in sorted(path.name for path in delivery.iterdir() if path.is_dir()):
            self.create(bucket)
            for key in disk.keys(bucket):
                self.put(delivery, bucket, key)
        self.mark_deletions(delivery)

    def forget(self):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")):
            pass

    def create(self, bucket):
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, delivery, bucket, key):
        file, sidecar = (delivery / bucket / f"{key}{suffix}" for suffix in ("", aws_cli.SIDECAR))
        archived = file.is_symlink()
        self.s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=b"archived" if archived else file.read_bytes(),
            Metadata=json.loads(sidecar.read_text())["Metadata"] if sidecar.is_file() else {},
            StorageClass="GLACIER" if archived else "STANDARD",
        )

    def mark_deletions(self, delivery):
        for answer in json.loads((delivery / "tampered.json").read_text()):
            for uri in answer["uris"] if answer["tamper"] not in TRACELESS else []:
                bucket, _, key = uri.removeprefix("s3://").partition("/")
                if not os.path.lexists(delivery / bucket / key):
                    if not (delivery / bucket).is_dir():
                        self.create(bucket)
                    self.s3.put_object(Bucket=bucket, Key=key, Body=b"what was deleted")
                    self.s3.delete_object(Bucket=bucket, Key=key)


def validate(case, spec):
    """The run of the binary over a delivery in S3, begun."""
    folders = sorted(path.name for path in (case / "delivery").iterdir() if path.is_dir())
    sources = [f"s3://{part}" for part in ([spec["source"]] if "source" in spec else folders)]
    return start("validate", *sources, "--format", "json", *spec["validate"])


def start(*arguments, **environment):
    environment = os.environ | environment
    return subprocess.Popen(
        [aws_cli.BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def unexpected(case_expects, code, printed):
    """How the findings differ from those that the case expects."""
    if code not in (0, 1, 3):
        return f"exit code {code}"
    report = json.loads(printed)
    found = [(one["kind"], one["severity"], one["uri"] or "") for one in report["findings"]]
    wanted = [(one["kind"], one["severity"], one.get("uri", "")) for one in case_expects["findings"]]
    # CloudTrail's own answer has no file to name, and is said when the run is over.
    wanted = [one for one in wanted if one[2] != KEYS_FILE] + [(*one[:2], "") for one in wanted if one[2] == KEYS_FILE]
    alike = len(found) == len(wanted) and all(
        one[:2] == other[:2] and other[2] in one[2] for one, other in zip(found, wanted)
    )
    if alike and (report["verdict"], code) == (case_expects["verdict"], case_expects["exit"]):
        return ""
    return "trailproof does not find what the case expects in S3: " + ", ".join(
        f"{severity} {kind} {uri!a}" for kind, severity, uri in found
    )


def both(case, spec, buckets, keys):
    """The two opinions, and what is wrong with ours."""

    unlike = []

    def aws_run(delivery, chain, start, end):
        keys.ask(delivery, chain)
        theirs = aws_cli.aws_command(chain, start, end)
        unlike.extend(unlike_lines(theirs.streams, validate_logs(chain, start, end)))
        return theirs

    buckets.hold(case / "delivery")
    keys.ask(case / "delivery", aws_cli.chains(case, spec)[0])
    # Both at once: they only read, and the keys are those of the delivery, whatever chain is asked for.
    run, said = validate(case, spec), []
    reader = threading.Thread(target=lambda: said.extend(run.communicate()))
    reader.start()
    try:
        theirs = aws_cli.aws(case, spec, aws_run)
    finally:
        reader.join()
    ours = aws_cli.opinion(run.returncode, *said)
    amiss = unexpected(spec.get("expect_versioned", spec["expect"]), run.returncode, said[0])
    return theirs, ours, amiss, unlike


def validate_logs(chain, begin, end):
    """What `trailproof validate-logs` prints with the AWS CLI's flags."""
    run = start("validate-logs", *aws_cli.flags(chain, begin, end))
    stdout, stderr = run.communicate()
    return Streams(stdout, stderr, run.returncode)


def unlike_lines(theirs, ours):
    """Where the lines of the two differ, stream by stream, and their exit codes."""
    if theirs.code != ours.code:
        yield f"exit code {theirs.code} by the AWS CLI, {ours.code} by trailproof"
    for name in ("stdout", "stderr"):
        lines = [getattr(streams, name).splitlines(keepends=True) for streams in (theirs, ours)]
        yield from (f"{name}: {line!a}" for line in difflib.ndiff(*lines) if line[0] in "-+")


def judge_cases(names, cases, limits, buckets, keys):
    counts, wrong = Counter(), []
    print(aws_cli.HEAD)
    for name in names:
        spec = json.loads((cases[name] / "case.json").read_text())
        if aws_cli.skipped(spec):
            counts["skipped"] += 1
            continue
        theirs, ours, amiss, unlike = both(cases[name], spec, buckets, keys)
        result, why = aws_cli.judge(theirs, ours, limits.get(name))
        amiss = amiss or judge_lines(name, unlike, limits)
        result, why = ("unexplained", amiss) if amiss else (result, why)
        counts[result] += 1
        counts["lines differ" if unlike else "lines alike"] += 1
        print(f"{name:<32}{theirs.verdict:<15}{ours.verdict:<12}{why}", flush=True)
        if result == "unexplained":
            wrong += aws_cli.words_of_both(name, why, spec, theirs, ours)
            wrong += ["-- `validate-logs` of both --", *unlike]
    return counts, wrong


def judge_lines(name, unlike, limits):
    """What is wrong with the lines of `trailproof validate-logs`, where they are not the AWS CLI's."""
    if name in ALIKE:
        return "the lines of `validate-logs` differ, though they are in ALIKE" if unlike else ""
    if name in LINES:
        return "" if unlike else f"the lines of `validate-logs` are alike, though LINES has: {LINES[name]}"
    if name not in limits and unlike:
        return "the lines of `validate-logs` differ, and neither a limit nor LINES explains why"
    if name in limits and not unlike:
        return "the lines of `validate-logs` are alike: put the case into ALIKE"
    return ""


def limits_in_s3():
    """The explained disagreements: those of copies on disk, but where S3 has another."""
    limits = aws_cli.by_case(aws_cli.LIMITS)
    for case, limit in aws_cli.by_case(IN_S3).items():
        if limit.aws is AGREED:
            del limits[case]
        else:
            limits[case] = limit
    return limits


def check_commands(buckets, folder):
    """What is wrong with the commands that only S3 and CloudTrail can show."""
    buckets.forget()
    buckets.create("trail-logs")
    awscli("create-trail", "--name", "audit", "--s3-bucket-name", "trail-logs", "--enable-log-file-validation")
    yield from check_trails()
    yield from check_delivery(folder)


def check_trails():
    yield from check(["trails"], 3, f"0 of 1 trails can be validated|{TRAIL}: cannot be validated|logging is off")
    awscli("start-logging", "--name", "audit")
    yield from check(["trails"], 3, "logging      on|no digest file was delivered yet")
    yield from check(["trails", "--region", "eu-west-1"], 3, "no trail")


def check_delivery(folder):
    saved = ["--public-keys", f"{folder}/public-keys.json"]
    simulate = ["simulate", "s3://trail-logs", "--account-id", ACCOUNT, "--hours", "3", "--save", folder]
    proved = "intact: everything asked for is covered, 4 digests and 9 log files proved"
    yield from check(["validate", "s3://trail-logs"], 3, "incomplete: no digests found")
    yield from check(simulate, 0, "wrote 4 digests and 9 log files to `s3://trail-logs`")
    yield from check(simulate, 2, "is there already")
    yield from check(["validate", "s3://trail-logs", *saved], 0, proved)
    yield from check(["validate", "s3://trail-logs", "--dry-run"], 0, "plan: 4 digests and about 9 log files to read")
    yield from check(["validate", TRAIL, *saved], 0, f"{proved}|delivers to s3://trail-logs/AWSLogs/{ACCOUNT}/")
    yield from check(["validate", f"{TRAIL}-of-nobody", *saved], 2, "audit-of-nobody")


def awscli(*arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        url = os.environ["AWS_ENDPOINT_URL"]
        code = aws_cli.create_clidriver().main(["--endpoint-url", url, "cloudtrail", *arguments])
    if code != 0:
        sys.exit(f"`aws cloudtrail {arguments[0]}` ends with exit code {code}")


def check(arguments, code, words):
    """One run of the binary against moto alone: its exit code, and the words it has to print, divided by `|`."""
    run = start(*arguments, AWS_ENDPOINT_URL_CLOUDTRAIL=os.environ["AWS_ENDPOINT_URL"])
    printed = "".join(run.communicate())
    lacking = [word for word in words.split("|") if word not in printed]
    line = "trailproof " + " ".join(arguments[:2])
    if run.returncode == code and not lacking:
        print(f"{line}: exit code {code}, as it has to be", flush=True)
        return
    yield f"\n== {line}: exit code {run.returncode}, not {code}; lacking {lacking} =="
    yield from (ascii(one)[1:-1] for one in printed.splitlines())


def use(moto, keys):
    """Points both programs to the two servers."""
    os.environ.update(AWS_ACCESS_KEY_ID="moto", AWS_SECRET_ACCESS_KEY="moto", AWS_EC2_METADATA_DISABLED="true")
    os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=moto)
    os.environ.update(AWS_ENDPOINT_URL_CLOUDTRAIL=keys, AWS_ENDPOINT_URL_ORGANIZATIONS=keys)


def main(names):
    began = time.monotonic()
    limits = limits_in_s3()
    cases = aws_cli.prepare(names, limits)
    # A signal ends the blocks below as an exception does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped by a signal"))
    with moto_server() as url, key_server() as keys:
        use(url, keys.url)
        buckets = Buckets(url)
        with tempfile.TemporaryDirectory() as folder:
            failed = list(check_commands(buckets, f"{folder}/saved"))
        counts, wrong = judge_cases(names or cases, cases, limits, buckets, keys)
        wrong = failed + wrong
    print(*wrong, "", sep="\n")
    print(f"validate-logs: {counts['lines alike']} cases alike line by line, {counts['lines differ']} explained or wrong")
    print(f"moto: {aws_cli.summary(counts)}, {time.monotonic() - began:.0f} s")
    return 1 if wrong or not counts["agreed"] + counts["explained"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
