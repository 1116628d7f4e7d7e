#!/usr/bin/env bash
# trailproof on Slurm: plan, an array of jobs, merge. Run it on a login node.
#
@ABOUT@
#
# Needs: `trailproof` on every node, and a folder that all nodes see. Add `--partition`, `--account` or `--time` as
# your cluster asks for them, or set SBATCH_PARTITION, SBATCH_ACCOUNT and SBATCH_TIMELIMIT.
set -euo pipefail

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 3 incomplete. Every failure is exit code 2. Slurm's own exit
# codes are no verdict: 1 is also that of a job that could not be submitted, or was killed.
code=2
trap 'exit "$code"' EXIT

@CHECK@

work=@WORK@
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}
tasks=@TASKS@      # jobs of the array, each with every $tasks-th shard; MaxArraySize of the cluster is the limit
at_once=@AT_ONCE@     # jobs at the same time
export TRAILPROOF_TASKS=$tasks TRAILPROOF_TRIES=@TRIES@ TRAILPROOF_HERE=$work/$run
case $work in s3://*) logs=$PWD/trailproof-$run ;; *) logs=$work/$run ;; esac
export TRAILPROOF_LOGS=$logs
mkdir -p "$logs"
rm -f "$logs"/exit-*

submit() { sbatch --parsable --job-name="trailproof-$1" --cpus-per-task=2 --output="$logs/$1.log" "${@:2}"; }

plan_job() {
    cat <<'JOB'
#!/usr/bin/env bash
set -u
trailproof shards plan --no-progress -o "$TRAILPROOF_HERE/plan.jsonl" \
    @PLAN@
code=$?
echo "$code" >"$TRAILPROOF_LOGS/exit-$SLURM_JOB_ID"
exit "$code"
JOB
}

# The loop repeats what failed; `--requeue`, below, repeats a job whose node failed.
shards_job() {
    cat <<'JOB'
#!/usr/bin/env bash
set -u
for try in $(seq "$TRAILPROOF_TRIES"); do
    [ "$try" = 1 ] || sleep "${POLL:-10}"
    trailproof shards run "$TRAILPROOF_HERE/plan.jsonl" --index "$SLURM_ARRAY_TASK_ID" --of "$TRAILPROOF_TASKS" \
        -o "$TRAILPROOF_HERE/results/" @RUN@ && exit 0
done
exit 1
JOB
}

merge_job() {
    cat <<'JOB'
#!/usr/bin/env bash
set -u
trailproof shards merge "$TRAILPROOF_HERE/plan.jsonl" "$TRAILPROOF_HERE/results/" @MERGE@
code=$?
echo "$code" >"$TRAILPROOF_LOGS/exit-$SLURM_JOB_ID"
exit "$code"
JOB
}

# The exit code of `trailproof` in a job, from the file that the job writes after it. A shared folder may show a file late.
exit_of() {
    local try
    for try in 1 2 3 4 5 6; do
        if [ -s "$logs/exit-$1" ]; then
            cat "$logs/exit-$1"
            return
        fi
        sleep "${POLL:-5}"
    done
}

plan=$(plan_job | submit plan)
shards=$(shards_job | submit shards --dependency="afterok:${plan%%;*}" --kill-on-invalid-dep=yes --requeue \
    --array="0-$((tasks - 1))%$at_once" --output="$logs/shards-%a.log")
echo "plan ${plan%%;*}, shards ${shards%%;*}; the report will be in $logs/merge.log" >&2

# `afterany`, not `afterok`: where shards were not carried out, there is a report all the same, which names them.
# `--wait` waits for the job. Its exit code is Slurm's.
merge=$(merge_job | submit merge --dependency="afterany:${shards%%;*}" --wait) || true
if [ -z "$merge" ]; then
    echo "no report: the job that merges was not submitted" >&2
    exit
fi

# A folder of an earlier run may have another plan, of which this run must not tell.
planned=$(exit_of "${plan%%;*}")
if [ "$planned" != 0 ]; then
    echo "no report: the plan was not made: see $logs/plan.log" >&2
    exit
fi
merged=$(exit_of "${merge%%;*}")
if [ -z "$merged" ]; then
    echo "no report: the job ${merge%%;*} did not end its merge, or goes on: see $logs/merge.log" >&2
    exit
fi
cat "$logs/merge.log"
case $merged in
    0 | 1 | 3) code=$merged ;;
    *) echo "no report: \`trailproof shards merge\` ended with exit code $merged" >&2 ;;
esac
