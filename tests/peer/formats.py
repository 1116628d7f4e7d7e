#!/usr/bin/env python3
"""Reads the reports for machines with readers that we did not write.

trailproof judges each delivery of `fixtures/`, and one with hostile names, and writes every format at once. Then each
file is read by what reads such files elsewhere, and has to say what the JSON report says:

    jsonl        Python's json, line by line
    csv          Python's csv, strictly
    junit        junitparser
    prometheus   prometheus_client's parser
    asff         botocore's model of Security Hub: types, required fields, enumerations, patterns, and the lengths that
                 its documentation gives
    ocsf         the JSON schema of OCSF 1.5.0's Detection Finding, from ocsf-json-schema, by jsonschema

At the end each of the readers is given what is broken on purpose, and has to refuse it.

    python tests/peer/formats.py [CASE...]

Needs Python 3.11 and what `.ci/run` installs. TRAILPROOF in the environment names the binary: target/debug/trailproof,
where it does not. Exit code 0: every report can be read and says the same; 1: one does not.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import botocore.session
from botocore.validate import ParamValidator
from jsonschema import Draft202012Validator
from junitparser import Error, Failure, JUnitXml
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prometheus_client.parser import text_string_to_metric_families

import kit

BINARY = Path(os.environ.get("TRAILPROOF", kit.REPOSITORY / "target/debug/trailproof")).resolve()
FORMATS = ["json", "jsonl", "csv", "junit", "prometheus", "asff", "ocsf"]
FORMULA = tuple("=+-@\t\r＝＋－＠")
# What no report may hold as it is: controls, and what turns the reading direction around.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")

# Names of objects that nobody lists, to be put beside the log files of a delivery: what breaks out of quotes, elements,
# cells, lines and terminals, and the longest that a folder on disk can hold.
HOSTILE = [
    b"=cmd|' calc'!A0.json.gz",
    b'+1+1","x.json.gz',
    b"-2+3;\t@SUM(1).json.gz",
    b"@a'b`c$(d)%s%n.json.gz",
    b'"><script>alert(1)<&]]>&amp;-->.json.gz',
    b"a\nb\r\nc\x1b[2J\x1b]0;x\x07\x7f.json.gz",
    b"\xc2\x9b31m\xe2\x80\xae\xef\xbb\xbf\xef\xbf\xbe.json.gz",
    b"} 1\\n# TYPE x gauge\\.json.gz",
    "監査é\u0301😀.json.gz".encode(),
    b"x" * 247 + b".json.gz",
    b"\xff\xfe\x80.json.gz",
]


class Wrong(Exception):
    """A report that says something else."""


def expect(is_so, what):
    if not is_so:
        raise Wrong(what)


def run(folder, case, spec):
    """All reports of one run, as text, and its exit code."""
    files = {name: folder / f"report.{name}" for name in FORMATS}
    reports = [word for name, file in files.items() for word in ("--report", f"{name}={file}")]
    source = Path("delivery", spec.get("source", ""))
    arguments = [source, "--public-keys", "delivery/public-keys.json", "-v", *reports, *spec["validate"]]
    done = subprocess.run([BINARY, "validate", *arguments], cwd=case, capture_output=True, text=True)
    expect(done.returncode in (0, 1, 3), f"exit code {done.returncode}: {done.stderr}")
    # As bytes: no newline is to be translated.
    return {name: file.read_bytes().decode() for name, file in files.items()}


def unproved(chain, objects):
    """How many digests or log files of a chain are not proved."""
    return chain["counts"][objects]["tampered"] + chain["counts"][objects]["unverified"]


def check_jsonl(text, report):
    lines = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
    kinds = [line["event"] for line in lines]
    expect((kinds[0], kinds[-1]) == ("started", "finished"), "it does not begin and end as a run does")
    found = [{key: line[key] for key in line if key != "event"} for line in lines if line["event"] == "finding"]
    # A run tells findings as it makes them, and a report has them chain by chain.
    in_any_order = lambda findings: sorted(json.dumps(one, sort_keys=True) for one in findings)
    expect(in_any_order(found) == in_any_order(report["findings"]), "other findings")
    last = lines[-1]
    expect((last["verdict"], last["counts"]) == (report["verdict"], report["counts"]), "another verdict, or counts")
    chains = [{key: line[key] for key in line if key != "event"} for line in lines if line["event"] == "chain"]
    expect(in_any_order(chains) == in_any_order(report["chains"]), "other chains")
    objects = Counter((line["object"], line["state"]) for line in lines if line["event"] == "object")
    expect(objects["digest", "valid"] == report["counts"]["digests"]["valid"], "other digest files")
    expect(objects["log", "valid"] == report["counts"]["logs"]["valid"], "other log files")


def check_csv(text, report):
    expect("\n" not in text.replace("\r\n", ""), "a line that does not end in CR LF")
    head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    expect(all(len(row) == len(head) for row in rows), "a row with other columns")
    expect(not any(cell.startswith(FORMULA) for row in rows for cell in row), "a formula")
    rows = [dict(zip(head, row)) for row in rows]
    found = [(row["kind"], row["state"]) for row in rows if row["record"] == "finding"]
    # With `-v` rows come as they happen.
    expect(sorted(found) == sorted((one["kind"], one["severity"]) for one in report["findings"]), "other findings")
    expect((rows[-1]["record"], rows[-1]["state"]) == ("run", report["verdict"]), "no last row with the verdict")
    objects = Counter((row["kind"], row["state"]) for row in rows if row["record"] == "object")
    expect(objects["log", "valid"] == report["counts"]["logs"]["valid"], "other log files")


def check_junit(text, report):
    suites = JUnitXml.fromstring(text.encode())
    told = (suites.tests, suites.failures, suites.errors)
    cases = [case for suite in suites for case in suite]
    results = [type(result) for case in cases for result in case.result]
    expect(told == (len(cases), results.count(Failure), results.count(Error)), f"{told} is not what is there")
    suites.update_statistics()
    expect(told == (suites.tests, suites.failures, suites.errors), f"{told} is not what junitparser counts")
    failed = {"tampered": results.count(Failure) > 0, "incomplete": Failure not in results and Error in results}
    expect(failed.get(report["verdict"], not results), "a verdict that does not show")
    expect(len(list(suites)) > len(report["chains"]), "a chain without a suite")
    # The first suite is the run's; those of the chains follow.
    for suite, chain in zip(list(suites)[1:], report["chains"]):
        passed = {case.name for case in suite if not case.result}
        for name, objects in (("digests", "digests"), ("log files", "logs")):
            expect(name not in passed or unproved(chain, objects) == 0, f"`{name}` passed, and is not proved")


def check_prometheus(text, report):
    samples = {}
    for family in text_string_to_metric_families(text):
        expect(family.type == "gauge" and family.documentation, f"{family.name} has no type or no help")
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            expect(key not in samples, f"{key} stands twice")
            samples[key] = sample.value
    verdicts = {key[1][1]: value for key, value in samples.items() if key[0] == "trailproof_verdict"}
    expect(verdicts.pop(report["verdict"], 0) == 1 and set(verdicts.values()) == {0}, "another verdict")
    findings = Counter((one["kind"], one["severity"]) for one in report["findings"])
    told = {key[1:]: value for key, value in samples.items() if key[0] == "trailproof_findings" and value}
    expect(told == {(("kind", kind), ("severity", severity)): count for (kind, severity), count in findings.items()},
           "other findings")
    for state, count in report["counts"]["logs"].items():
        expect(samples["trailproof_logs", ("state", state)] == count, "other log files")
    hourly = [chain for chain in report["chains"] if not chain["backfill"]]
    expect(sum(key[0] == "trailproof_chain_digests" for key in samples) == len(hourly), "other chains")
    for objects in ("digests", "logs"):
        told = sum(value for key, value in samples.items() if key[0] == f"trailproof_chain_unproved_{objects}")
        expect(told == sum(unproved(chain, objects) for chain in hourly), f"other unproved {objects}")


class SecurityHub:
    """The rules of `BatchImportFindings`: those of botocore's model, and the lengths in its words."""

    def __init__(self):
        model = botocore.session.get_session().get_service_model("securityhub")
        self.shape = model.operation_model("BatchImportFindings").input_shape

    def check(self, findings):
        # At most 100 a call, as the format's documentation has it.
        for first in range(0, len(findings), 100):
            call = {"Findings": findings[first:first + 100]}
            errors = ParamValidator().validate(call, self.shape)
            expect(not errors.has_errors(), errors.generate_report())
            self.walk(self.shape, call, "")

    def walk(self, shape, value, path):
        match shape.type_name:
            case "structure":
                for name, member in value.items():
                    self.walk(shape.members[name], member, f"{path}.{name}")
            case "list":
                self.measure(shape, len(value), path)
                for member in value:
                    self.walk(shape.member, member, f"{path}[]")
            case "map":
                self.measure(shape, len(value), path)
                for name, member in value.items():
                    self.walk(shape.key, name, f"{path}.key")
                    self.walk(shape.value, member, f"{path}.{name}")
            case "string":
                self.measure(shape, len(value), path)
                expect(not shape.enum or value in shape.enum, f"{path}: `{value}` is none of {shape.enum}")
                pattern = shape.metadata.get("pattern")
                expect(not pattern or re.search(pattern, value), f"{path}: {value!r} does not match {pattern}")

    @staticmethod
    def measure(shape, length, path):
        words = re.sub("<[^>]*>", "", shape.documentation)
        for limit in re.findall(r"[Mm]aximum length of (\d+)|[Mm]aximum number of (\d+)", words):
            expect(length <= int(max(limit)), f"{path}: {length} is more than {max(limit)}")
        if path.endswith((".ProductFields.key", ".Resources[].Id")):
            expect(length <= {"y": 128, "d": 512}[path[-1]], f"{path}: {length} is too long")


HUB = SecurityHub()


def check_asff(text, report):
    findings = json.loads(text)
    HUB.check(findings)
    expect(len({finding["Id"] for finding in findings}) == len(findings), "an `Id` that stands twice")
    kinds = Counter(finding["GeneratorId"].removeprefix("trailproof/") for finding in findings)
    told = Counter(one["kind"] for one in report["findings"] if one["severity"] != "notice")
    expect(kinds.pop("chain", 0) == len(report["chains"]), "other chains")
    kinds.pop("run", 0)
    expect(kinds == told, "other findings")
    entries = [finding for finding in findings if finding["GeneratorId"] == "trailproof/chain"]
    for entry, chain in zip(entries, report["chains"]):
        passed = entry["Compliance"]["Status"] == "PASSED"
        expect(not passed or unproved(chain, "digests") + unproved(chain, "logs") == 0, "a chain passed, and is not proved")
    failed = any(finding["Compliance"]["Status"] == "FAILED" for finding in findings)
    expect(failed == (report["verdict"] == "tampered"), "a verdict that does not show")


SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
OCSF = Draft202012Validator(SCHEMA.get_class_schema(class_name="detection_finding", profiles=["cloud"]))


def check_ocsf(text, report):
    detections = [json.loads(line) for line in text.split("\n") if line]
    for detection in detections:
        for error in OCSF.iter_errors(detection):
            raise Wrong(f"{error.json_path}: {error.message}")
    uids = [detection["finding_info"]["uid"] for detection in detections]
    expect(len(set(uids)) == len(uids), "a `uid` that stands twice")
    kinds = Counter(detection["finding_info"]["types"][0] for detection in detections)
    if "trailproof/run" in uids:
        kinds.pop(report["verdict"])
    expect(kinds == Counter(one["kind"] for one in report["findings"]), "other findings")
    alerts = any(detection["is_alert"] for detection in detections)
    expect(alerts == (report["verdict"] == "tampered"), "a verdict that does not show")


CHECKS = {"jsonl": check_jsonl, "csv": check_csv, "junit": check_junit, "prometheus": check_prometheus,
          "asff": check_asff, "ocsf": check_ocsf}


def check(texts):
    """What is wrong with the reports of a run."""
    report = json.loads(texts["json"])
    for name, check_one in CHECKS.items():
        try:
            expect(not (found := HIDDEN.search(texts[name])), f"{found and found[0]!a} as it is")
            check_one(texts[name], report)
        except Exception as error:  # A reader that fails says so in its own way.
            yield f"{name}: {type(error).__name__}: {error}"


def hostile(log_modified, folder):
    """A delivery with objects of hostile names beside its log files."""
    case = folder / "hostile"
    shutil.copytree(log_modified, case)
    logs = next((case / "delivery").glob("*/AWSLogs/*/CloudTrail/us-east-1/2026/09/01"))
    for name in HOSTILE:
        Path(os.fsdecode(os.fsencode(logs) + b"/" + name)).write_bytes(b"forged")
    return case


def broken(texts):
    """Reports that are broken on purpose, each in a way of its own."""
    def json_lines(name, change):
        lines = [json.loads(line) for line in texts[name].split("\n") if line]
        change(lines)
        return "\n".join(map(json.dumps, lines))

    asff = lambda change: json.dumps([change(entry) for entry in json.loads(texts["asff"])])
    yield "jsonl", texts["jsonl"].rstrip("\n").rpartition("\n")[0]
    yield "jsonl", texts["jsonl"].replace('"log-modified"', '"log-missing"')
    yield "csv", texts["csv"].replace("\r\n", "\n")
    yield "csv", texts["csv"].replace("finding,", "finding,,", 1)
    yield "csv", texts["csv"].replace("\r\nfinding,", "\r\nfinding,=1+1,", 1)
    yield "junit", texts["junit"].replace("</testsuite>", "", 1)
    yield "junit", texts["junit"].replace("failures=\"2\"", "failures=\"0\"")
    yield "junit", texts["junit"].replace("<failure", "<skipped").replace("</failure", "</skipped")
    yield "prometheus", texts["prometheus"].replace('"', "", 1)
    yield "prometheus", texts["prometheus"] + texts["prometheus"]
    yield "prometheus", texts["prometheus"].replace('verdict="tampered"} 1', 'verdict="tampered"} 0')
    yield "asff", asff(lambda entry: {name: entry[name] for name in entry if name != "Title"})
    yield "asff", asff(lambda entry: entry | {"Description": "x" * 1025})
    yield "asff", asff(lambda entry: entry | {"Severity": {"Label": "SEVERE"}})
    yield "asff", asff(lambda entry: entry | {"Id": "same"})
    yield "asff", asff(lambda entry: entry | {"Resources": [{"Type": "Other", "Id": "x" * 513}]})
    yield "ocsf", json_lines("ocsf", lambda lines: lines[0].update(severity_id=42))
    yield "ocsf", json_lines("ocsf", lambda lines: lines[0].pop("metadata"))
    yield "ocsf", json_lines("ocsf", lambda lines: lines[0].update(unheard_of=1))
    yield "ocsf", json_lines("ocsf", list.clear)


def unrefused(texts):
    """Where a reader takes what is broken: then it is none."""
    number = 0
    for number, (name, text) in enumerate(broken(texts), 1):
        if text == texts[name]:
            yield f"the broken report {number}, {name}, is as it was"
        elif not any(wrong.startswith(f"{name}:") for wrong in check(texts | {name: text})):
            yield f"the broken report {number}, {name}, is taken"
    print(f"{number} reports broken on purpose, and refused")


def main(names):
    if not BINARY.is_file():
        sys.exit(f"no binary at `{BINARY}`\nhint: `cargo build`, or name it in TRAILPROOF")
    cases = kit.cases()
    if unknown := set(names) - cases.keys():
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    wrong, seen = [], Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        hostile_names = hostile(cases["log_modified"], folder)
        cases = {name: cases[name] for name in names or cases} | {"hostile names": hostile_names}
        for name, case in cases.items():
            spec = json.loads((case / "case.json").read_text())
            texts = run(folder, case, spec)
            report = json.loads(texts["json"])
            seen[report["verdict"]] += 1
            wrong += (f"{name}: {one}" for one in check(texts))
        # The last one is tampered with, and has the names.
        shown = sum(one["kind"] == "log-unreferenced" for one in report["findings"])
        if shown < len(HOSTILE) - 1:
            wrong.append(f"hostile names: only {shown} of {len(HOSTILE)} are told")
        wrong += unrefused(texts)
    print(*(ascii(line)[1:-1] for line in wrong), sep="\n")
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(seen.items()))
    print(f"formats: {len(cases)} runs ({verdicts}), {len(CHECKS)} formats each, {len(wrong)} wrong")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
