# A worker of trailproof: takes tasks from the queue until it is stopped.
import json
import re
import subprocess
import sys
import threading

import boto3
from botocore.exceptions import BotoCoreError, ClientError

BUCKET, PREFIX = @BUCKET@, @PREFIX@
REGION = "YOUR_REGION"
PLAN, RUN, MERGE = @PLAN@, @RUN@, @MERGE@
# Stands in every task. A worker of another recipe would validate something else.
RECIPE = "@RECIPE@"
VERDICTS = {0: "intact", 1: "tampered", 3: "incomplete"}

sqs, states, s3 = (boto3.client(name, region_name=REGION) for name in ("sqs", "stepfunctions", "s3"))


def trailproof(*arguments):
    return subprocess.run(["trailproof", "shards", *arguments]).returncode


def plan(key, _task):
    """Writes the plan, and the numbers of its shards beside it."""
    if trailproof("plan", "--no-progress", "-o", f"s3://{BUCKET}/{key}plan.jsonl", *PLAN) != 0:
        raise RuntimeError("not planned")
    shards = 0
    for line in s3.get_object(Bucket=BUCKET, Key=f"{key}plan.jsonl")["Body"].iter_lines():
        shards += json.loads(line)["type"] == "shard"
    s3.put_object(Bucket=BUCKET, Key=f"{key}shards.json", Body=json.dumps(list(range(shards))).encode())
    return {"shards": shards, "numbers": f"{key}shards.json"}


def shard(key, task):
    """Carries out one shard."""
    place, number = f"s3://{BUCKET}/{key}", int(task["shard"])
    if trailproof("run", f"{place}plan.jsonl", "--index", str(number), "-o", f"{place}results/", *RUN) != 0:
        raise RuntimeError(f"shard {number} was not carried out")
    return {"shard": number}


def merge(key, _task):
    """Makes the report, and tells the verdict."""
    place = f"s3://{BUCKET}/{key}"
    code = trailproof("merge", f"{place}plan.jsonl", f"{place}results/", *MERGE)
    if code not in VERDICTS:
        raise RuntimeError(f"no report: exit code {code}")
    return {"verdict": VERDICTS[code], "exit": code}


def beat(token, done):
    """Tells the state machine every minute that the task goes on. A worker that is killed falls silent."""
    while not done.wait(60):
        try:
            states.send_task_heartbeat(taskToken=token)
        except (BotoCoreError, ClientError) as error:
            print(f"no heartbeat: {error}", file=sys.stderr)


def work(task):
    if task.get("recipe") != RECIPE:
        raise ValueError("a task of another recipe: stop the workers, and start those that `bash RECIPE worker` prints")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", task["run"]):
        raise ValueError("not the name of a run")
    return {"plan": plan, "shard": shard, "merge": merge}[task["step"]](f"{PREFIX}{task['run']}/", task)


def answer(token, task):
    done = threading.Event()
    threading.Thread(target=beat, args=(token, done), daemon=True).start()
    try:
        output = work(task)
    except Exception as error:
        states.send_task_failure(taskToken=token, error="trailproof.failed", cause=str(error)[:1000])
    else:
        states.send_task_success(taskToken=token, output=json.dumps(output))
    finally:
        done.set()


def main():
    url = sqs.get_queue_url(QueueName="trailproof")["QueueUrl"]
    while True:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", []):
            # Taken for good: where this worker dies, the state machine sends the task again.
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            try:
                task = json.loads(message["Body"])
                token = task.pop("token")
            except Exception as error:
                # Not a message of the state machine, so nobody waits for an answer.
                print(f"message {message.get('MessageId')} left out: not a task: {error!r}", file=sys.stderr)
                continue
            try:
                answer(token, task)
            except (BotoCoreError, ClientError) as error:
                # No connection, or the state machine waits for it no longer, as another worker was faster.
                print(f"not told: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
