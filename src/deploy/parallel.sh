#!/usr/bin/env bash
# trailproof with GNU parallel: one validation on this machine, or on several machines by ssh.
#
@ABOUT@
#
# Needs: `trailproof` and GNU parallel 20221122 or later; on the other machines `trailproof` alone. For these, add
# `--sshlogin HOST,HOST,:` to the call of parallel: plan lines go to them, and results come back, by ssh.
set -euo pipefail

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 3 incomplete. A failure of anything but the merge, and of a
# merge without a report, is exit code 2.
code=2
trap 'exit "$code"' EXIT

@CHECK@
version=$(parallel --version 2>/dev/null) || true
case $version in
    'GNU parallel'*) ;;
    *)
        echo "no report: the \`parallel\` here is not GNU parallel" >&2
        exit
        ;;
esac

work=@WORK@
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}    # RUN=... continues the run of that name
retries=@TRIES@    # attempts for each shard
here=$work/$run
mkdir -p "$here"

if [ ! -e "$here/plan.jsonl" ]; then
    trailproof shards plan -o "$here/plan.jsonl" \
        @PLAN@
else
    echo "run $run is continued, with the plan $here/plan.jsonl" >&2
fi

# A function, as parallel reads a command's words again.
shard() { trailproof shards run @RUN@; }
export -f shard
export PARALLEL_SHELL=$BASH

# One line for each process. Not `--pipepart`, which hands a retried process no input.
# The exit code of parallel is the number of shards that failed, 101 for more than 100. `merge` names them. With any other it
# did not run them.
failed=0
parallel --pipe -N1 --block 10M --retries "$retries" --joblog "$here/jobs.log" \
    --env shard shard <"$here/plan.jsonl" >"$here/results.jsonl" || failed=$?
if [ "$failed" -gt 101 ]; then
    echo "no report: \`parallel\` ended with exit code $failed" >&2
    exit
fi
[ "$failed" = 0 ] || echo "some shards were not carried out: see $here/jobs.log" >&2

merged=0
trailproof shards merge "$here/plan.jsonl" "$here/results.jsonl" @MERGE@ || merged=$?
case $merged in
    0 | 1 | 3) code=$merged ;;
    *) echo "no report: \`trailproof shards merge\` ended with exit code $merged" >&2 ;;
esac
