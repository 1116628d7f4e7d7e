#!/usr/bin/env bash
# trailproof on AWS Step Functions: a state machine plans, hands each shard to a worker, and merges. Workers take tasks from
# an SQS queue, on any machines.
#
@ABOUT@
#
# Needs: the AWS CLI here; `trailproof`, Python 3 and boto3 on the workers. Use:
#
#     bash RECIPE worker > worker.py       # copy it to the workers, and run it there as often as you like
#     bash RECIPE                          # makes queue, roles and state machine, runs it, and waits for the verdict
#
# Prints also its parts: `bash RECIPE definition` and `bash RECIPE policy`.
set -euo pipefail

queue=trailproof
run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}

# The policy of the workers. With objects encrypted by KMS, add: @KMS@
policy() {
    cat <<'JSON'
@POLICY@
JSON
}

# The policy of the state machine.
machine_policy() {
    cat <<'JSON'
@MACHINE_POLICY@
JSON
}

trust() {
    cat <<'JSON'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
]}
JSON
}

# The state machine. A line of a plan may be larger than what Step Functions passes on (256 KiB), so the map reads the numbers
# of the shards, which the worker that plans wrote beside the plan. `MaxConcurrency` should be the number of workers: a task
# that no worker takes or works on for `HeartbeatSeconds` is sent again.
definition() {
    cat <<'JSON'
@DEFINITION@
JSON
}

worker() {
    cat <<'PYTHON'
@WORKER@
PYTHON
}

case ${1-} in
    policy | machine_policy | definition | worker) "$1"; exit ;;
esac

# 1. The queue.
url=$(aws sqs create-queue --queue-name "$queue" --query QueueUrl --output text)

# 2. The roles.
aws iam get-role --role-name trailproof-machine >/dev/null 2>&1 ||
    aws iam create-role --role-name trailproof-machine --assume-role-policy-document "$(trust)" >/dev/null
aws iam put-role-policy --role-name trailproof-machine --policy-name trailproof --policy-document "$(machine_policy)"
role=$(aws iam get-role --role-name trailproof-machine --query Role.Arn --output text)
aws iam put-role-policy --role-name YOUR_WORKER_ROLE --policy-name trailproof --policy-document "$(policy)"

# 3. The state machine.
arn=@MACHINE_ARN@
aws stepfunctions describe-state-machine --state-machine-arn "$arn" >/dev/null 2>&1 &&
    aws stepfunctions update-state-machine --state-machine-arn "$arn" --definition "$(definition)" >/dev/null ||
    arn=$(aws stepfunctions create-state-machine --name trailproof --role-arn "$role" --definition "$(definition)" \
        --query stateMachineArn --output text)

# 4. The run.
execution=$(aws stepfunctions start-execution --state-machine-arn "$arn" --name "$run" --query executionArn --output text \
    --input "$(printf '{"run": "%s", "queue": "%s"}' "$run" "$url")")
echo "running $execution; the report will be in the log of the worker that merges" >&2
about() { aws stepfunctions describe-execution --execution-arn "$execution" --query "$1" --output text; }
while [ "$(about status)" = RUNNING ]; do sleep "${POLL:-20}"; done

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 2 no report, 3 incomplete.
case $(about error) in
    None) exit 0 ;;
    trailproof.tampered) exit 1 ;;
    trailproof.incomplete) exit 3 ;;
esac
about cause >&2
exit 2
