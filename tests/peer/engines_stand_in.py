"""Kubernetes and AWS Batch, which nothing here can run: the printed scripts, with a stand-in for `kubectl` and `aws`.

The manifests have to be valid by Kubernetes' published schemas, strictly, and the job definitions and submissions by
botocore's model of AWS Batch. Then the stand-in runs what the containers would run, with the variables and the replacements
that the documentation of each names, and answers what the script asks.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import engines_kit as kit

KUBERNETES = "1.31"
FILL = {
    "kubernetes": [("YOUR_IMAGE", "trailproof:1"), ("YOUR_ROLE_ARN", "arn:aws:iam::123456789012:role/trailproof")],
    "batch": [
        ("YOUR_IMAGE", "trailproof:1"),
        ("YOUR_JOB_QUEUE", "queue"),
        ("YOUR_EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/execution"),
    ],
}


def kubernetes(checks, small, _large, folder):
    run_all("kubernetes", "kubectl", checks, small, folder)


def batch(checks, small, _large, folder):
    run_all("batch", "aws", checks, small, folder)


def run_all(engine, command, checks, small, folder):
    for delivery, kill in [(small[2], "nothing"), (small[0], "process")]:
        path = kit.program(folder / f"{engine}-path-{delivery.name}", kill)
        stand_in = path / command
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} -P {Path(__file__).resolve()} {command} "$@"\n')
        stand_in.chmod(0o755)

        def task():
            # The recipes work in S3 alone. The script's places are put on disk once it is printed.
            there = kit.Delivery(delivery.name, ["s3://evidence"], ["--end-time", kit.END, "--objects-per-shard", "5"])
            fill = [*FILL[engine], ("s3://work/runs", str(folder / engine / delivery.name))]
            file = kit.recipe(engine, folder / f"{engine}.sh", there, "--work", "s3://work/runs", "--tasks", "3", fill=fill)
            text = file.read_text()
            options = dict(zip(delivery.options[::2], delivery.options[1::2]))
            text = text.replace('"s3://evidence"', f'"--public-keys", "{options["--public-keys"]}", "{delivery.sources[0]}"')
            file.write_text(text.replace(f'"{kit.END}"', f'"{options["--end-time"]}"'))
            (folder / engine / delivery.name / "run").mkdir(parents=True)
            environment = {"RUN": "run", "POLL": "0.1", "STAND_IN": str(path / "stand-in.json"), "PYTHONPATH": os.path.dirname(__file__)}
            ran = kit.run(["bash", file], path, env=environment)
            if engine == "batch" and (log := Path(environment["STAND_IN"] + ".report")).exists():
                ran.report = log.read_text()  # in CloudWatch, there
            kit.equal(delivery, ran)
            if kill != "nothing":
                kit.was_killed(path)

        checks.check(engine, delivery.name + (", a process killed" if kill != "nothing" else ""), task)


def container(command, variables, tries):
    """What a container does: exit code and output of its last try."""
    done = None
    for _ in range(tries):
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            break
    return done.returncode, done.stdout + done.stderr if done.returncode not in (0, 1, 3) else done.stdout


def expanded(text, variables):
    """Text of a container with `$(NAME)` replaced, and `$$` by `$`, as Kubernetes does."""

    def replace(found):
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replace, text)


def run_job(job):
    """Runs the pods of a job. Returns its status and the output of its last container."""
    spec = job["spec"]
    pod = spec["template"]["spec"]["containers"][0]
    indices = range(spec["completions"]) if spec.get("completionMode") == "Indexed" else [None]
    tries = 1 + (spec.get("backoffLimitPerIndex") if indices != [None] else spec["backoffLimit"])
    codes, said = [], ""
    for index in indices:
        variables = {} if index is None else {"JOB_COMPLETION_INDEX": str(index)}
        for one in pod["env"]:
            variables[one["name"]] = expanded(one["value"], variables)
        code, said = container([expanded(word, variables) for word in pod["command"]], variables, tries)
        codes.append(code)
    return {"said": said, "condition": "Complete" if max(codes) == 0 else "Failed"}


def manifest():
    """The one document on stdin, which has to be valid."""
    import kubernetes_validate
    import yaml

    document = yaml.safe_load(sys.stdin)
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    return document


def kubectl(arguments, kept):
    """Answers a call of the script."""
    match arguments:
        case ["apply", "-f", "-"]:
            print(f"serviceaccount/{manifest()['metadata']['name']} created")
        case ["create", "-f", "-", "-o", "name"]:
            job = manifest()
            name = f"job.batch/{job['metadata']['generateName']}{len(kept)}"
            kept[name] = run_job(job)
            print(name)
        case ["get", name, "--request-timeout=60s", "-o", _]:
            print(kept[name]["condition"])
        case ["logs", name]:
            print(kept[name]["said"], end="")
        case _:
            sys.exit(f"kubectl does not know {arguments}")


def aws(arguments, kept):
    """Answers a call of the script."""
    options = dict(zip(arguments[2::2], arguments[3::2]))
    match arguments[:2]:
        case ["iam", "get-role"] if "role" not in kept:
            sys.exit(254)
        case ["iam", "get-role"]:
            print("arn:aws:iam::123456789012:role/trailproof-batch")
        case ["iam", "create-role" | "put-role-policy"]:
            kept["role"] = json.loads(options.get("--policy-document", "{}"))
        case ["batch", "register-job-definition"]:
            definition = json.loads(options["--cli-input-json"])
            valid("RegisterJobDefinition", definition)
            kept[definition["jobDefinitionName"]] = definition
            print(definition["jobDefinitionName"])
        case ["batch", "submit-job"]:
            submit(options, kept)
        case ["batch", "describe-jobs"]:
            job = kept[options["--jobs"]]
            print(options["--jobs"], job["status"], job["code"], "log", sep="\t")
        case ["logs", "filter-log-events"]:
            print(*(line for line in kept["said"].splitlines() if line.startswith("trailproof-exit ")), sep="\n")
        case _:
            sys.exit(f"aws does not know {arguments}")


def valid(operation, parameters):
    import botocore.session
    from botocore.validate import validate_parameters

    validate_parameters(parameters, botocore.session.get_session().get_service_model("batch").operation_model(operation).input_shape)


def submit(options, kept):
    overrides = json.loads(options["--container-overrides"])
    asked = {"jobName": options["--job-name"], "jobQueue": options["--job-queue"], "jobDefinition": options["--job-definition"]}
    size = int(options.get("--array-properties", "size=0").removeprefix("size="))
    before = options.get("--depends-on", "").removeprefix("jobId=")
    valid("SubmitJob", asked | {"containerOverrides": overrides} | ({"arrayProperties": {"size": size}} if size else {}))
    name = f"job-{len(kept)}"
    print(name)
    if before and kept[before]["status"] == "FAILED":
        kept[name] = {"status": "FAILED", "code": "None"}
        return
    definition = kept[options["--job-definition"]]
    properties = definition["containerProperties"]
    variables = {one["name"]: one["value"] for one in properties["environment"] + overrides["environment"]}
    codes = []
    for index in range(size) if size else [None]:
        own = {} if index is None else {"AWS_BATCH_JOB_ARRAY_INDEX": str(index)}
        code, said = container(properties["command"], variables | own, definition["retryStrategy"]["attempts"])
        codes.append(code)
    kept[name] = {"status": "FAILED" if max(codes) else "SUCCEEDED", "code": max(codes)}
    if options["--job-name"].startswith("trailproof-merge"):
        kept["said"] = said
        report = "".join(line for line in said.splitlines(keepends=True) if not line.startswith("trailproof-exit "))
        Path(os.environ["STAND_IN"] + ".report").write_text(report)


def main():
    file = Path(os.environ["STAND_IN"])
    kept = json.loads(file.read_text()) if file.exists() else {}
    try:
        {"kubectl": kubectl, "aws": aws}[sys.argv[1]](sys.argv[2:], kept)
    finally:
        file.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
