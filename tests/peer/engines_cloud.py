"""The state machine that `trailproof deploy step-functions` prints, run by moto's interpreter, with real workers."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import aws_cli
import boto3
import engines_kit as kit
import moto as peer

INTERPRETER = {"stepfunctions": {"execute_state_machine": True}}
WORK = "s3://work/trailproof"
FILL = [("YOUR_REGION", "us-east-1"), ("YOUR_ACCOUNT_ID", peer.ACCOUNT), ("YOUR_WORKER_ROLE", "worker")]

# The recipe's workers beat once a minute. Here a killed one has to be noticed sooner.
HEARTBEAT = ('"HeartbeatSeconds": 900', '"HeartbeatSeconds": 15')

MADE = ["--account-id", peer.ACCOUNT, "--region", "us-east-1", "--region", "eu-west-1", "--hours", "24", "--logs-per-hour", "8"]
MADE += ["--start-time", "2026-09-01T00:06:57Z", "--tamper", "log-modified", "--tamper", "digest-deleted"]


def step_functions(checks, small, _large, folder):
    """Cases in S3, and a delivery of some 450 objects in parts, where a worker is killed."""
    with peer.moto_server() as url, peer.key_server() as keys:
        peer.use(url, keys.url)
        buckets = peer.Buckets(url)
        # The AWS CLI takes most of the time: without a wish for every fixture, some of the few.
        chosen = small if os.environ.get("TRAILPROOF_ENGINES") == "all" else small[::4]
        for delivery in chosen:
            if not aws_cli.skipped(delivery.spec):
                checks.check("step-functions", delivery.name, lambda: of_case(delivery, buckets, keys, folder))
        what = "450 objects, a worker killed, one lost, one twice"
        checks.check("step-functions", what, lambda: killed(buckets, folder))


def of_case(delivery, buckets, keys, folder):
    buckets.hold(delivery.folder)
    keys.ask(delivery.folder, aws_cli.chains(delivery.folder.parent, delivery.spec)[0])
    names = sorted(path.name for path in delivery.folder.iterdir() if path.is_dir())
    names = [delivery.spec["source"]] if "source" in delivery.spec else names
    in_s3 = kit.Delivery(delivery.name, [f"s3://{name}" for name in names], delivery.spec["validate"])
    path = kit.program(folder / f"steps-path-{delivery.name}")
    kit.equal(kit.judged(in_s3), machine(in_s3, buckets, folder, path))


def killed(buckets, folder):
    buckets.forget()
    buckets.create("trail-logs")
    done = kit.run([kit.BINARY, "simulate", "s3://trail-logs", "--save", folder / "saved", *MADE])
    if done.code != 0:
        raise kit.Wrong(f"`simulate`: {done.errors}")
    options = ["--public-keys", f"{folder}/saved/public-keys.json", "--end-time", "2026-09-02T00:06:57Z"]
    delivery = kit.judged(kit.Delivery("made", ["s3://trail-logs"], [*options, "--objects-per-shard", "50"]))
    path = kit.program(folder / "steps-path-killed", "parent")
    kit.equal(delivery, machine(delivery, buckets, folder, path))
    kit.was_killed(path)
    plan, results = f"{WORK}/run/plan.jsonl", f"{WORK}/run/results/"
    listed = buckets.s3.list_objects_v2(Bucket="work", Prefix="trailproof/run/results/")["Contents"]
    first, again = listed[0]["Key"], "trailproof/run/results/again.json"
    buckets.s3.copy_object(Bucket="work", Key=again, CopySource={"Bucket": "work", "Key": first})
    kit.equal(delivery, kit.merge(plan, results))
    for key in (first, again):
        buckets.s3.delete_object(Bucket="work", Key=key)
    kit.lost(kit.merge(plan, results))


def machine(delivery, buckets, folder, path):
    """The verdict of the printed recipe, with two workers."""
    config = json.dumps(INTERPRETER).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{buckets.url}/moto-api/config", config, method="POST")):
        pass
    buckets.create("work")
    boto3.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")
    # The queue is there before the workers.
    boto3.client("sqs").create_queue(QueueName="trailproof")
    options = ["--work", WORK, "--tasks-at-once", "2"]
    file = kit.recipe("step-functions", folder / "steps.sh", delivery, *options, fill=[*FILL, HEARTBEAT])
    # The first version of the AWS CLI asks SQS at AWS's own address, whatever the environment says.
    aws = path / "aws"
    aws.write_text(f'#!/bin/sh\nexec {Path(sys.executable).with_name("aws")} --endpoint-url {buckets.url} "$@"\n')
    aws.chmod(0o755)
    worker = folder / "worker.py"
    worker.write_text(kit.run(["bash", file, "worker"]).report)
    with workers(worker, path, folder) as logs:
        ran = kit.run(["bash", file], path, env={"RUN": "run", "POLL": "0.3"})
        time.sleep(0.2)
    report = "".join(log.read_text() for log in logs)
    said = "".join(Path(f"{log}.err").read_text() for log in logs)
    return kit.Verdict(ran.code, report, ran.errors + said)


@contextlib.contextmanager
def workers(file, path, folder):
    """Two workers, of which one that dies is replaced. Yields the files of their output."""
    logs, running, over = [], [], threading.Event()

    def start():
        log = folder / f"worker-{time.monotonic_ns()}"
        logs.append(log)
        environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
        with log.open("wb") as out, Path(f"{log}.err").open("wb") as err:
            command = [sys.executable, "-P", file]
            running.append(subprocess.Popen(command, env=environment, stdout=out, stderr=err, stdin=subprocess.DEVNULL))

    def replace():
        while not over.wait(0.5):
            for worker in [worker for worker in running if worker.poll() is not None]:
                running.remove(worker)
                start()

    start()
    start()
    keeper = threading.Thread(target=replace)
    keeper.start()
    try:
        yield logs
    finally:
        over.set()
        keeper.join()
        for worker in running:
            worker.kill()
            worker.wait()
