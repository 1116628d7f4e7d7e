#!/usr/bin/env python3
"""Real engines run the recipes that `trailproof deploy` prints, and each merged report has to be that of one run.

    parallel         GNU parallel; a process is killed, a result is lost, one is delivered twice
    slurm            slurmctld and slurmd of this machine, where they start; the same
    spark            PySpark in a local cluster of two workers; an executor is killed, a result is lost, one is delivered twice
    step-functions   moto's interpreter, S3 and SQS; two workers, of which one is killed
    kubernetes       the manifests by their published schemas, run by a stand-in for kubectl
    batch            the job definitions by botocore's model of AWS Batch, run by a stand-in for the AWS CLI

The deliveries are some of the fixtures and one of 20,000 objects, tampered with. Reports are compared byte for byte in JSON,
but for the lines with the times and the command line of the run.

    python tests/peer/engines.py [ENGINE...]

TRAILPROOF_ENGINES=all in the environment takes every fixture. Needs the packages that `.ci/run` installs. Exit code 0: all is
equal; 1: something is not.
"""

import os
import signal
import sys
import time
from pathlib import Path

import aws_cli
import engines_cloud
import engines_kit
import engines_local
import engines_stand_in
import kit

# Of every kind of answer one: intact, tampered, incomplete; several regions, accounts and trails.
SOME = [
    "intact_organization", "intact_two_trails", "log_modified", "log_deleted", "log_unreferenced", "digest_deleted_two",
    "chain_stopped", "key_unknown_middle", "metadata_lost_mixed", "digest_deleted_trail", "no_digests_account", "log_name_escape",
]  # fmt: skip

ENGINES = {
    "parallel": engines_local.parallel,
    "slurm": engines_local.slurm,
    "spark": engines_local.spark,
    "step-functions": engines_cloud.step_functions,
    "kubernetes": engines_stand_in.kubernetes,
    "batch": engines_stand_in.batch,
}


def main(names):
    began = time.monotonic()
    if unknown := set(names) - ENGINES.keys():
        sys.exit(f"no such engine: {', '.join(sorted(unknown))}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped by a signal"))
    aws_cli.prepare([], {})
    chosen = sorted(kit.cases()) if os.environ.get("TRAILPROOF_ENGINES") == "all" else SOME
    checks = engines_kit.Checks()
    with engines_kit.scratch() as folder:
        folder = Path(folder)
        small = list(engines_kit.cases(chosen))
        large = engines_kit.large(folder)
        for name in names or ENGINES:
            ENGINES[name](checks, small, large, folder)
    print(*checks.wrong, "", sep="\n")
    print(f"engines: {checks.done} checks, {len(checks.wrong)} wrong, {time.monotonic() - began:.0f} s")
    return 1 if checks.wrong or not checks.done else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
