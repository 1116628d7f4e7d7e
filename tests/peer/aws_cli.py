#!/usr/bin/env python3
"""A second opinion on the fixtures, by AWS's own tool.

Shows that trailproof and `aws cloudtrail validate-logs` say the same of the deliveries in `fixtures/`, but for the
cases in `LIMITS`, each with what explains it. What runs is the AWS CLI itself, from its command line down to RSA.
Only its clients are replaced: S3 is the delivery's folder, with the sidecars `NAME.metadata.json` as metadata, and
CloudTrail answers from `public-keys.json`. So it needs no account, no network and no server.

The AWS CLI validates one trail, account and region a run. It is run for each one in the delivery that the case asks
for, over the time the case asks for, or from the start of the delivery
(two days earlier for those in `FROM_BEFORE`). The worst of these runs is its verdict:

    tampered       something is INVALID, or exit code 1
    failed         it ended early, with an error (exit code 255)
    nothing found  no digest file in that time (exit code 0)
    intact         digest files found, and nothing is INVALID (exit code 0)

The two agree where the verdicts are the same word, the objects called INVALID are those that trailproof calls tampered
with, and as many digest files and as many log files are valid. A disagreement that `LIMITS` does not name is an error,
and so is one that it names and that is none, or another one.

    python tests/peer/aws_cli.py [CASE...]

Needs Python 3.11, awscli 1.46.3 and cargo, which writes the deliveries. TRAILPROOF in the environment names the binary: target/debug/trailproof, where it
does not. Exit code 0: everything is agreed or explained; 1: something is not.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from awscli.clidriver import create_clidriver
from awscli.customizations.cloudtrail import validation
from botocore.exceptions import ClientError

import kit

BINARY = Path(os.environ.get("TRAILPROOF", kit.REPOSITORY / "target/debug/trailproof")).resolve()
SIDECAR = ".metadata.json"

HEAD = f"{'case':<32}{'aws':<15}{'trailproof':<12}why they disagree"
WORST_FIRST = ["tampered", "failed", "nothing found", "intact"]
DIGEST = re.compile(
    r"(?:(?P<prefix>.+)/)?AWSLogs/(?:(?P<organization>o-[a-z0-9]+)/)?(?P<account>\d{12})/CloudTrail-Digest/"
    r"(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/(?P=account)_CloudTrail-Digest_(?P=region)_(?P<trail>.+)_"
    r"(?P<home>[a-z0-9-]+)_(?P<end>\d{8}T\d{6}Z)(?:_backfill)?\.json\.gz"
)


@dataclass(frozen=True)
class Limit:
    """Cases where the two disagree, and why. Verdicts that are the same stand for other objects or other counts."""

    aws: str
    ours: str
    why: str
    cases: str


LIMITS = [
    # The AWS CLI does not see it: exit code 0, and most often no word of it.
    Limit("intact", "incomplete", "it starts at the newest digest it finds, and asks for none after that",
          "chain_stale digest_deleted_last_hours digest_deleted_newest end_deleted end_deleted_day"),
    Limit("nothing found", "tampered", "its listing stops at an object that is dated 9999", "object_unrecognised"),
    Limit("nothing found", "incomplete", "`No digests found` is exit code 0",
          "all_deleted chain_stale_narrow chain_stopped_inside no_digests no_digests_account no_digests_trail"),
    Limit("intact", "incomplete", "it ends at the oldest digest it finds: a gap needs one before it",
          "chain_late_start older_deleted"),
    Limit("intact", "incomplete", "it mentions the hours that no digest covers, and exits with 0", "chain_stopped"),
    Limit("intact", "incomplete", "it takes the hour before logging began for covered",
          "chain_start_hour chain_stopped_an_hour chain_restart_last_deleted"),
    Limit("intact", "incomplete", "it does not see the stop, nor the last digest of the stopped chain", "chain_restart"),
    Limit("intact", "incomplete", "it does not compare the times of neighbours in the chain", "chain_gap"),
    Limit("intact", "tampered", "it never compares `previousDigestHashValue`", "chain_broken"),
    Limit("intact", "tampered", "its inflate stops after the first gzip member", "digest_appended digest_trailing"),
    Limit("intact", "tampered", "its inflate does not notice a gzip trailer that is cut off", "log_truncated"),
    Limit("intact", "tampered", "it walks the chain of `audit_us-east-1_x` instead", "log_modified_lookalike"),
    Limit("intact", "tampered", "it follows the chain, and does not read what lies beside it", "digest_copied"),
    Limit("intact", "incomplete", "it follows the chain, and does not read what lies beside it", "digest_extra"),
    Limit("intact", "incomplete", "it does not look for objects that no digest lists",
          "digest_deleted_backfill log_junk_name log_name_escape log_unreferenced log_unreferenced_other_trail"),
    Limit("intact", "incomplete", "it takes every hash for SHA-256, whatever the digest says", "log_unverifiable"),
    Limit("intact", "incomplete", "it takes a key that had expired before the digest was signed", "key_expired"),
    Limit("failed", "tampered", "it drops the start's offset: the start is after the end then", "log_modified_offset"),
    # It calls INVALID what is not shown to be.
    Limit("tampered", "intact", "it needs the metadata; the successor holds the signature, too",
          "intact_metadata_lost_inside intact_metadata_of_one_lost"),
    Limit("tampered", "incomplete", "it calls a lost signature INVALID", "digest_unsigned metadata_lost"),
    Limit("tampered", "incomplete", "it calls an unknown key INVALID", "digest_own_key_newest key_unknown_newest"),
    Limit("tampered", "intact", "it calls an unknown key INVALID; the successor proves the digest",
          "key_unknown key_unknown_middle"),
    Limit("tampered", "tampered", "it calls an unknown key INVALID, of digests that the successor proves as well",
          "digest_metadata_key_unknown"),
    Limit("tampered", "intact", "it believes the fingerprint of a saved key, and uses the wrong one", "key_bad_entry"),
    Limit("tampered", "intact", "it judges digests of the hour after the end", "intact_mid_range_witness"),
    Limit("tampered", "intact", "it has no way to be told of a move (by its own help)", "relocated_named"),
    Limit("failed", "incomplete", "the first object that it may not read ends its run",
          "digest_unreadable log_unreadable"),
    # The same verdict, but other objects or other counts.
    Limit("intact", "intact", "it judges and counts the digests on both sides of the range, too",
          "intact_mid_range intact_part_after_move intact_restart_outside"),
    Limit("tampered", "tampered", "two digests deleted in a row show as one", "digest_deleted_two"),
    Limit("tampered", "tampered", "it misses the moved digest at its old key only", "digest_moved"),
    Limit("tampered", "tampered", "it skips the log files of a digest that its successor proves",
          "digest_metadata digest_metadata_junk"),
    Limit("tampered", "tampered", "it calls every digest without metadata INVALID, and reads none of their log files",
          "digest_deleted_metadata_lost digest_modified_unsigned metadata_lost_mixed"),
    Limit("tampered", "tampered", "it uses the wrong key, which only the forged digest fits", "key_bad_entry_resigned"),
    Limit("tampered", "tampered", "it stops at digests that were moved, and misses the log file", "relocated_modified"),
    # It reads all of S3, or all of an object; trailproof was given less, and says so.
    Limit("intact", "incomplete", "it reads the old bucket, which this copy has not", "part_after_move"),
    Limit("tampered", "incomplete", "a copy on disk may begin or end there; in S3 trailproof says it, too",
          "digest_deleted_before_move start_deleted start_deleted_asked"),
    Limit("tampered", "intact", "on disk a folder's name is no bucket's; in S3 trailproof says it, too", "relocated"),
]

# What they show needs a start before the delivery: keys that are no longer valid, and an object in an earlier folder.
FROM_BEFORE = {"key_expired", "object_unrecognised"}


@dataclass(frozen=True)
class Chain:
    """What one run of the AWS CLI is about: the trail that `simulate` makes, unless told otherwise."""

    account: str = "111122223333"
    region: str = "us-east-1"
    trail: str = "audit"
    home: str = "us-east-1"
    bucket: str = "trail-logs"
    prefix: str | None = None
    organization: str | None = None

    @property
    def arn(self):
        return f"arn:aws:cloudtrail:{self.home}:{self.account}:trail/{self.trail}"


class S3:
    """The folders of a delivery, as buckets."""

    def __init__(self, delivery):
        self.delivery = delivery

    def get_bucket_location(self, Bucket):
        if not (self.delivery / Bucket).is_dir():
            raise error("NoSuchBucket", "GetBucketLocation")
        return {"LocationConstraint": None}

    def get_paginator(self, operation):
        assert operation == "list_objects", operation
        return self

    def paginate(self, Bucket, Marker, Prefix):
        keys = [key for key in self.keys(Bucket) if key > Marker and key.startswith(Prefix)]
        return SimpleNamespace(search={"Contents[*].Key": keys}.__getitem__)

    def keys(self, bucket):
        root = self.delivery / bucket
        files = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
        return sorted(os.path.relpath(file, root) for file in files if not file.endswith(SIDECAR))

    def get_object(self, Bucket, Key):
        file, sidecar = (self.delivery / Bucket / f"{Key}{suffix}" for suffix in ("", SIDECAR))
        try:
            body = io.BytesIO(file.read_bytes())
        except FileNotFoundError:
            raise error("NoSuchKey", "GetObject") from None
        except OSError:
            raise error("AccessDenied", "GetObject") from None
        return {"Body": body, "Metadata": json.loads(sidecar.read_text())["Metadata"] if sidecar.is_file() else {}}


class CloudTrail:
    """The trail asked for, and the keys of the delivery that were valid in the time asked for."""

    def __init__(self, delivery, chain):
        self.keys = json.loads((delivery / "public-keys.json").read_text())["PublicKeyList"]
        self.chain = chain

    def list_public_keys(self, StartTime, EndTime):
        def overlaps(key):
            start, end = (datetime.fromisoformat(key[f"Validity{edge}Time"]) for edge in ("Start", "End"))
            return start <= EndTime and StartTime <= end

        return {"PublicKeyList": [key for key in self.keys if overlaps(key)]}

    def describe_trails(self):
        trail = {"TrailARN": self.chain.arn, "S3BucketName": self.chain.bucket}
        trail |= {"S3KeyPrefix": self.chain.prefix} if self.chain.prefix else {}
        return {"trailList": [trail | {"IsOrganizationTrail": self.chain.organization is not None}]}

    def describe_organization(self):
        return {"Organization": {"Id": self.chain.organization}}


def error(code, operation):
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass(frozen=True)
class Opinion:
    """What one of the two says of a case, and its words."""

    verdict: str
    tampered: frozenset
    digests: int
    logs: int
    report: str = field(compare=False)
    streams: "Streams | None" = field(compare=False, default=None)


@dataclass(frozen=True)
class Streams:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    code: int


def aws_run(delivery, chain, start, end):
    """One run of the AWS CLI, its clients replaced."""
    clients = {"s3": S3(delivery), "cloudtrail": CloudTrail(delivery, chain)}
    clients["organizations"] = clients["cloudtrail"]
    with mock.patch.object(validation, "create_nested_client", lambda _session, service, **_options: clients[service]):
        return aws_command(chain, start, end)


def flags(chain, start, end):
    """The flags of `validate-logs`, the AWS CLI's and ours."""
    arguments = ["--trail-arn", chain.arn, "--region", chain.region, "--start-time", start, "--end-time", end]
    return [*arguments, "--verbose", *(["--account-id", chain.account] if chain.organization else [])]


def aws_command(chain, start, end):
    """What the AWS CLI's command line says of a chain."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = create_clidriver().main(["cloudtrail", "validate-logs", *flags(chain, start, end)])
    streams = Streams(stdout.getvalue(), stderr.getvalue(), code)
    report = streams.stdout + streams.stderr
    invalid = frozenset(re.findall(r"\t(s3://[^\t]+)\tINVALID", report))
    if invalid or code == 1:
        verdict = "tampered"
    elif code != 0:
        verdict = "failed"
    else:
        verdict = "nothing found" if "No digests found" in report else "intact"
    valid = {name: int(count) for count, name in re.findall(r"(\d+)/\d+ ([a-z ]+) files valid", report)}
    digests = valid.get("digest", 0) + valid.get("backfill digest", 0)
    return Opinion(verdict, invalid, digests, valid.get("log", 0), f"exit code {code}\n{report}", streams)


def aws(case, spec, run=aws_run):
    """The AWS CLI's opinion: its runs over all chains of a case, as one."""
    delivered = datetime.fromisoformat(values(spec["simulate"], "--start-time")[0])
    delivered -= timedelta(days=2) if case.name in FROM_BEFORE else timedelta()
    start = values(spec["validate"], "--start-time") or [f"{delivered:%Y-%m-%dT%H:%M:%SZ}"]
    end = values(spec["validate"], "--end-time")
    runs = [run(case / "delivery", chain, start[0], end[0]) for chain in chains(case, spec)]
    return Opinion(
        min((run.verdict for run in runs), key=WORST_FIRST.index),
        frozenset().union(*(run.tampered for run in runs)),
        sum(run.digests for run in runs),
        sum(run.logs for run in runs),
        "\n".join(run.report for run in runs),
    )


def trailproof(case, spec):
    """Our opinion: what the binary says of the copy on disk."""
    source = Path("delivery", spec.get("source", ""))
    arguments = [source, "--public-keys", "delivery/public-keys.json", "--format", "json", *spec["validate"]]
    run = subprocess.run([BINARY, "validate", *arguments], cwd=case, capture_output=True, text=True)
    return opinion(run.returncode, run.stdout, run.stderr)


def opinion(code, printed, errors):
    """What a run of the binary said."""
    if code not in (0, 1, 3):
        return Opinion(f"exit code {code}", frozenset(), 0, 0, errors)
    report = json.loads(printed)
    tampered = frozenset(found["uri"] for found in report["findings"] if found["severity"] == "tampered")
    words = "\n".join(f"{found['severity']}: {found['kind']}: {found['message']}" for found in report["findings"])
    counts = report["counts"]
    return Opinion(report["verdict"], tampered, counts["digests"]["valid"], counts["logs"]["valid"], words)


def values(arguments, flag):
    return [value for name, value in zip(arguments, arguments[1:]) if name == flag]


def chains(case, spec):
    """The chains that a case asks for, each with the bucket that its newest digest lies in."""
    found = []
    for bucket in sorted(path.name for path in (case / "delivery").iterdir() if path.is_dir()):
        for key in S3(case / "delivery").keys(bucket):
            digest = DIGEST.fullmatch(key)
            if digest and f"{bucket}/{key}".startswith(spec.get("source", "")):
                fields = digest.groupdict()
                found.append((fields.pop("end"), Chain(bucket=bucket, **fields)))
    found.sort(key=lambda one: one[0])
    asked = set({(chain.arn, chain.region): chain for _, chain in found}.values()) or {Chain()}
    for name, flag in (("account", "--account-id"), ("region", "--region"), ("trail", "--trail")):
        if wanted := values(spec["validate"], flag):
            asked = {replace(chain, **{name: value}) for chain in asked for value in wanted}
    return sorted(asked, key=lambda chain: (chain.arn, chain.region))


def skipped(spec):
    """Why a case cannot be given to the AWS CLI."""
    if "disk_only" in spec:
        return spec["disk_only"]
    return "S3 holds gzip: inflated bodies are those of copies on disk" if "--inflated" in spec["simulate"] else None


def differences(theirs, ours):
    for name in ("verdict", "digests", "logs"):
        if getattr(theirs, name) != getattr(ours, name):
            yield f"{name}: {getattr(theirs, name)} by the AWS CLI, {getattr(ours, name)} by trailproof"
    yield from (f"INVALID by the AWS CLI only: {uri!a}" for uri in sorted(theirs.tampered - ours.tampered))
    yield from (f"tampered by trailproof only: {uri!a}" for uri in sorted(ours.tampered - theirs.tampered))


def judge(theirs, ours, limit):
    """`agreed`, `explained` or `unexplained`, and why."""
    if limit is None:
        return ("agreed", "") if theirs == ours else ("unexplained", "they disagree")
    if theirs == ours:
        return "unexplained", f"they agree, though LIMITS has: {limit.why}"
    if (theirs.verdict, ours.verdict) != (limit.aws, limit.ours):
        return "unexplained", f"LIMITS has `{limit.aws}` and `{limit.ours}`: {limit.why}"
    return "explained", limit.why


def prepare(names, limits):
    """The cases by name, once it is clear that what is named exists."""
    if not BINARY.is_file():
        sys.exit(f"no binary at `{BINARY}`\nhint: `cargo build`, or name it in TRAILPROOF")
    # The settings of whoever runs this have no say.
    # AWS_DATA_PATH is the AWS CLI's own.
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_DATA_PATH"]:
        del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    cases = kit.cases()
    if unknown := (limits.keys() | set(names)) - cases.keys():
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    return cases


def by_case(limits):
    return {case: limit for limit in limits for case in limit.cases.split()}


def words_of_both(name, why, spec, theirs, ours):
    """All that tells why two opinions differ."""
    yield from (f"\n== {name}: {why} ==", spec["about"], *differences(theirs, ours))
    for who, opinion in (("the AWS CLI", theirs), ("trailproof", ours)):
        yield from (f"-- {who} --", *(ascii(line)[1:-1] for line in opinion.report.splitlines() if line))


def main(names):
    limits = by_case(LIMITS)
    cases = prepare(names, limits)
    counts, wrong = Counter(), []
    print(HEAD)
    for name in names or cases:
        spec = json.loads((cases[name] / "case.json").read_text())
        if why := skipped(spec):
            counts["skipped"] += 1
            print(f"{name:<32}{'-':<15}{'-':<12}skipped: {why.rstrip('.')}")
            continue
        theirs, ours = aws(cases[name], spec), trailproof(cases[name], spec)
        result, why = judge(theirs, ours, limits.get(name))
        counts[result] += 1
        print(f"{name:<32}{theirs.verdict:<15}{ours.verdict:<12}{why}", flush=True)
        if result == "unexplained":
            wrong += words_of_both(name, why, spec, theirs, ours)
    print(*wrong, "", sep="\n")
    print(summary(counts))
    return 1 if wrong or not counts["agreed"] + counts["explained"] else 0


def summary(counts):
    return (
        f"{counts['agreed']} agreed, {counts['explained']} disagreements explained, {counts['skipped']} skipped, "
        f"{counts['unexplained']} unexplained"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
