# trailproof on Spark: one validation, a task for each shard.
#
@ABOUT@
#
# Needs: `trailproof` in the PATH of the driver and of every executor. Run it with one of
#
#     spark-submit trailproof_spark.py
#     PYSPARK_SUBMIT_ARGS='--master MASTER pyspark-shell' python3 trailproof_spark.py
#
# The exit code is that of the verdict: 0 intact, 1 tampered, 2 no report, 3 incomplete. `spark-submit` has exit codes of its
# own: 1 where it cannot start the script, 0 where it does not wait for the end. So after a merge the last line of the script
# on stderr is `trailproof-exit N`, with the exit code of the verdict: without the line there is no verdict. `spark-submit`
# mixes stdout and stderr: for a report to process, add `--report json=FILE` to MERGE.
#
# The plan lies at WORK/RUN/plan.jsonl, or in the driver's current folder if WORK is in S3; stderr says where. In cluster mode
# that folder is gone afterwards. RUN=NAME in the environment continues the run of that name, if its plan is there. To carry
# out one shard by hand, use `trailproof shards run PLAN --index N -o RESULTS`, then `trailproof shards merge PLAN RESULTS`.

import os
import shlex
import subprocess
import sys
import time
import traceback

# Python ends with 1 for an exception, which is the exit code of a verdict. So exceptions are caught here and at the end.
try:
    from pyspark import SparkConf, SparkContext
except Exception:
    traceback.print_exc()
    sys.exit(2)

WORK = @WORK@
TRIES = @TRIES@  # attempts for each shard
PLAN = @PLAN@
RUN = @RUN@
MERGE = @MERGE@


class OfTheExecutor(dict):
    """The environment of the executor. `pipe` starts processes with an empty one, without PATH and without credentials."""

    def items(self):
        return os.environ.items()


def main():
    # In two parts, so that filling in the name does not change this line.
    if "YOUR" + "_WORK_BUCKET" in WORK:
        print(f"no report: fill in the bucket of {WORK}", file=sys.stderr)
        return 2
    run = os.environ.get("RUN") or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    plan, results = plan_file(run), f"{WORK}/{run}/results/"
    if os.path.exists(plan):
        print(f"run {run} is continued", file=sys.stderr)
    elif subprocess.run(["trailproof", "shards", "plan", "-o", plan, *PLAN]).returncode != 0:
        return 2
    print(f"run {run}: the plan is {plan}, results are in {results}", file=sys.stderr)
    # Set here too, as the default of 4 may have been changed for the cluster.
    context = SparkContext.getOrCreate(SparkConf().setAppName("trailproof").set("spark.task.maxFailures", str(TRIES)))
    try:
        carry_out(context, plan, results)
    except Exception as error:  # of Spark: a shard failed too often. `merge` names what is missing.
        print(f"some shards were not carried out: {error}", file=sys.stderr)
    code = subprocess.run(["trailproof", "shards", "merge", plan, results, *MERGE]).returncode
    if code not in (0, 1, 3):
        print(f"no report: `trailproof shards merge` ended with exit code {code}", file=sys.stderr)
        return 2
    print(f"trailproof-exit {code}", file=sys.stderr)
    return code


def plan_file(run):
    """The plan lies beside the results, or in the driver's current folder if they are in S3."""
    if WORK.startswith("s3://"):
        return os.path.abspath(f"trailproof-{run}-plan.jsonl")
    os.makedirs(f"{WORK}/{run}", exist_ok=True)
    return f"{WORK}/{run}/plan.jsonl"


def carry_out(context, plan, results):
    """Gives each shard to a task. A process that fails makes its task fail, and Spark tries it again."""
    # A line ends in a line feed alone.
    with open(plan, encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n") for line in file]
    try:
        # `pipe` starts one process for each partition, without a shell. Each result is written by its own process, whole
        # or not at all, so a task that runs twice changes nothing.
        command = shlex.join(["trailproof", "shards", "run", "-o", results, *RUN])
        context.parallelize(lines, len(lines)).pipe(command, env=OfTheExecutor(), checkCode=True).count()
    finally:
        context.stop()


if __name__ == "__main__":
    try:
        code = main()
    except BaseException:
        traceback.print_exc()
        code = 2
    sys.exit(code)
