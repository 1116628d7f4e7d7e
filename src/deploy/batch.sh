#!/usr/bin/env bash
# trailproof on AWS Batch: a job that plans, an array job for the shards, a job that merges.
#
@ABOUT@
#
# Needs: the AWS CLI, and a job queue on Fargate. The image has `trailproof` and `sh`. Run it with bash. It waits for the
# end; the jobs go on if you stop it.
set -euo pipefail

queue=YOUR_JOB_QUEUE
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}
tasks=@TASKS@       # children of the array, 2 to 10,000, each with every $tasks-th shard

# The policy of the jobs' role. With objects encrypted by KMS, add: @KMS@
policy() {
    cat <<'JSON'
@POLICY@
JSON
}
[ "${1-}" != policy ] || { policy; exit; }

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
with_role() { sed "s|@@ROLE@@|$role|"; }

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
about() { aws batch describe-jobs --jobs "$1" --query "jobs[0].$2" --output text; }
wait_for() {
    local status
    while true; do
        status=$(about "$1" status)
        case $status in SUCCEEDED | FAILED) return ;; esac
        sleep "${POLL:-20}"
    done
}
wait_for "$merge"
code=$(about "$merge" container.exitCode)
if [ "$code" = None ] && [ "$(about "$plan" status)" = SUCCEEDED ]; then
    # A shard failed too often, so the job that merges did not start. Its report names the shard.
    wait_for "$shards"
    merge=$(submit merge "$merge_job")
    wait_for "$merge"
    code=$(about "$merge" container.exitCode)
fi
log=$(about "$merge" container.logStreamName)
echo "the report is in the log stream $log of /aws/batch/job" >&2

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 2 no report, 3 incomplete.
case $code in [0-9]*) exit "$code" ;; esac
exit 2
