# trailproof on Spark: one validation, a task for each shard.
#
@ABOUT@
#
# Needs: `trailproof` in the PATH of the driver and of every executor. Run it with
#
#     spark-submit trailproof_spark.py
#
# The exit code is that of the verdict: 0 intact, 1 tampered, 2 no report, 3 incomplete. In YARN's cluster mode any but 0
# shows as FAILED. `spark-submit` mixes stdout and stderr: for a report to process, add `--report json=FILE` to MERGE.

import os
import shlex
import subprocess
import sys
import tempfile
import time

from pyspark import SparkConf, SparkContext

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
    run = os.environ.get("RUN") or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    results = f"{WORK}/{run}/results/"
    with tempfile.TemporaryDirectory() as folder:
        plan = f"{folder}/plan.jsonl"
        if code := subprocess.run(["trailproof", "shards", "plan", "-o", plan, *PLAN]).returncode:
            return code
        try:
            carry_out(plan, results)
        except Exception as error:  # of Spark: a shard failed too often. `merge` names what is missing.
            print(f"some shards were not carried out: {error}", file=sys.stderr)
        return subprocess.run(["trailproof", "shards", "merge", plan, results, *MERGE]).returncode


def carry_out(plan, results):
    """Gives each shard to a task. A process that fails makes its task fail, and Spark tries it again."""
    # A line ends in a line feed alone.
    with open(plan, encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n") for line in file]
    # Set here too, as the default of 4 may have been changed for the cluster.
    context = SparkContext.getOrCreate(SparkConf().setAppName("trailproof").set("spark.task.maxFailures", str(TRIES)))
    try:
        # `pipe` starts one process for each partition, without a shell. Each result is written by its own process, whole
        # or not at all, so a task that runs twice changes nothing.
        command = shlex.join(["trailproof", "shards", "run", "-o", results, *RUN])
        context.parallelize(lines, len(lines)).pipe(command, env=OfTheExecutor(), checkCode=True).count()
    finally:
        context.stop()


if __name__ == "__main__":
    sys.exit(main())
