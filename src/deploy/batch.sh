#!/usr/bin/env bash
# trailproof on AWS Batch: a job that plans, an array job for the shards, a job that merges.
#
@ABOUT@
#
# Needs: the AWS CLI, allowed `logs:FilterLogEvents`, and a job queue on Fargate. The image has `trailproof` and `sh`, and no
# entry point. Run it with bash. It waits for the end; the jobs go on if you stop it.
set -euo pipefail

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 3 incomplete. Every failure is exit code 2.
code=2
trap 'exit "$code"' EXIT

queue=YOUR_JOB_QUEUE
log_group=/aws/batch/job
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}
tasks=@TASKS@       # children of the array, 2 to 10,000, each with every $tasks-th shard

# The policy of the jobs' role. With objects encrypted by KMS, add: @KMS@
policy() {
    cat <<'JSON'
@POLICY@
JSON
}
if [ "${1-}" = policy ]; then
    policy
    code=0
    exit
fi
@CHECK@
case $run in
    *[!A-Za-z0-9_-]*)
        echo "invalid RUN: use letters, digits, \`-\` and \`_\`" >&2
        exit
        ;;
esac

trust() {
    cat <<'JSON'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
]}
JSON
}

# 1. The role of the jobs.
aws iam get-role --role-name trailproof-batch >/dev/null 2>&1 ||
    aws iam create-role --role-name trailproof-batch --assume-role-policy-document "$(trust)" >/dev/null
aws iam put-role-policy --role-name trailproof-batch --policy-name trailproof --policy-document "$(policy)"
role=$(aws iam get-role --role-name trailproof-batch --query Role.Arn --output text)

# 2. The definitions of the jobs. An interrupted Spot task or a shard that failed is tried again.
define() { aws batch register-job-definition --cli-input-json "$(cat)" --query jobDefinitionArn --output text; }
with_role() { sed "s|\"jobRoleArn\": \"@@ROLE@@\"|\"jobRoleArn\": \"$role\"|"; }

plan_definition() {
    cat <<'JSON'
@PLAN@
JSON
}
shards_definition() {
    cat <<'JSON'
@RUN@
JSON
}
merge_definition() {
    cat <<'JSON'
@MERGE@
JSON
}
plan_job=$(plan_definition | with_role | define)
shards_job=$(shards_definition | with_role | define)
merge_job=$(merge_definition | with_role | define)

# 3. The jobs, each after the other.
overrides=$(printf '{"environment": [{"name": "RUN", "value": "%s"}, {"name": "TASKS", "value": "%s"}]}' "$run" "$tasks")
submit() { # NAME DEFINITION [OPTION...]
    aws batch submit-job --job-name "trailproof-$1-$run" --job-queue "$queue" --job-definition "$2" \
        --container-overrides "$overrides" --query jobId --output text "${@:3}"
}
plan=$(submit plan "$plan_job")
shards=$(submit shards "$shards_job" --array-properties "size=$tasks" --depends-on "jobId=$plan")
merge=$(submit merge "$merge_job" --depends-on "jobId=$shards")
echo "plan $plan, shards $shards, merge $merge" >&2

# 4. The end.
# Waits for the end of a job, and sets what Batch tells of it. An array job has no container of its own.
wait_for() {
    local failures=0 answer id
    while true; do
        answer=$(aws batch describe-jobs --jobs "$1" --output text \
            --query 'jobs[0].[jobId, status, container.exitCode, container.logStreamName]') || answer=
        read -r id status exit_code log_stream <<<"$answer"
        case $id:$status in
            "$1":SUCCEEDED | "$1":FAILED) return ;;
            "$1":?*) failures=0 ;;
            *) failures=$((failures + 1)) ;;
        esac
        if [ "$failures" -ge 15 ]; then
            echo "no report: Batch gives no status for the job $1, which may still run" >&2
            exit
        fi
        sleep "${POLL:-20}"
    done
}
wait_for "$merge"
if [ "$exit_code" = None ]; then
    wait_for "$plan"
    if [ "$status" = FAILED ]; then
        echo "no report: the plan was not made: see the log stream $log_stream of $log_group" >&2
        exit
    fi
    # A shard failed too often, so the job that merges did not start. Its report names the shard.
    wait_for "$shards"
    merge=$(submit merge "$merge_job")
    wait_for "$merge"
fi
case $exit_code in
    0 | 1 | 3) ;;
    *)
        echo "no report: the job $merge ended with exit code $exit_code: see the log stream $log_stream of $log_group" >&2
        exit
        ;;
esac
echo "the report is in the log stream $log_stream of $log_group" >&2

# 5. The verdict: the last line of the log, which the container writes after the merge. The exit code alone is no proof: an
# image whose entry point is another program has exit codes too. CloudWatch shows lines some seconds late.
for try in 1 2 3 4 5 6 7 8 9 10; do
    lines=$(aws logs filter-log-events --log-group-name "$log_group" --log-stream-names "$log_stream" \
        --filter-pattern '"trailproof-exit"' --query 'events[].[message]' --output text) || lines=
    merged=$(sed -n "s/^trailproof-exit $run //p" <<<"$lines")
    [ -z "$merged" ] || break
    sleep "${POLL:-10}"
done
case $merged:$exit_code in
    0:0 | 1:1 | 3:3) code=$merged ;;
    *) echo "no verdict: exit code of the container $exit_code, of the merge by its log: ${merged:-not found}" >&2 ;;
esac
