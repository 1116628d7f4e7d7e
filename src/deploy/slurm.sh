#!/usr/bin/env bash
# trailproof on Slurm: plan, an array of jobs, merge. Run it on a login node.
#
@ABOUT@
#
# Needs: `trailproof` on every node, and a folder that all nodes see. Add `--partition`, `--account` or `--time` as
# your cluster asks for them, or set SBATCH_PARTITION, SBATCH_ACCOUNT and SBATCH_TIMELIMIT.
set -euo pipefail

work=@WORK@
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}
tasks=@TASKS@      # jobs of the array, each with every $tasks-th shard; MaxArraySize of the cluster is the limit
at_once=@AT_ONCE@     # jobs at the same time
export TRAILPROOF_TASKS=$tasks TRAILPROOF_TRIES=@TRIES@ TRAILPROOF_HERE=$work/$run
case $work in s3://*) logs=$PWD/trailproof-$run ;; *) logs=$work/$run ;; esac
mkdir -p "$logs"

submit() { sbatch --parsable --job-name="trailproof-$1" --cpus-per-task=2 --output="$logs/$1.log" "${@:2}"; }

plan_job() {
    cat <<'JOB'
#!/usr/bin/env bash
exec trailproof shards plan --no-progress -o "$TRAILPROOF_HERE/plan.jsonl" \
    @PLAN@
JOB
}

# The loop repeats what failed; `--requeue`, below, repeats a job whose node failed.
shards_job() {
    cat <<'JOB'
#!/usr/bin/env bash
for try in $(seq "$TRAILPROOF_TRIES"); do
    [ "$try" = 1 ] || sleep 10
    trailproof shards run "$TRAILPROOF_HERE/plan.jsonl" --index "$SLURM_ARRAY_TASK_ID" --of "$TRAILPROOF_TASKS" \
        -o "$TRAILPROOF_HERE/results/" @RUN@ && exit 0
done
exit 1
JOB
}

merge_job() {
    cat <<'JOB'
#!/usr/bin/env bash
exec trailproof shards merge "$TRAILPROOF_HERE/plan.jsonl" "$TRAILPROOF_HERE/results/" @MERGE@
JOB
}

plan=$(plan_job | submit plan)
shards=$(shards_job | submit shards --dependency="afterok:${plan%%;*}" --kill-on-invalid-dep=yes --requeue \
    --array="0-$((tasks - 1))%$at_once" --output="$logs/shards-%a.log")
echo "plan ${plan%%;*}, shards ${shards%%;*}; the report will be in $logs/merge.log" >&2

# `afterany`, not `afterok`: where shards were not carried out, there is a report all the same, which names them.
# `--wait` waits for the job and hands on its exit code: 0 intact, 1 tampered, 2 no report, 3 incomplete.
code=0
merge_job | submit merge --dependency="afterany:${shards%%;*}" --wait >/dev/null || code=$?
cat "$logs/merge.log"
exit "$code"
