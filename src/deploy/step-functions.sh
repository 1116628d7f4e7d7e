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
# Workers refuse tasks of another recipe: where the recipe changes, stop them and start those of the new one.
# Prints also its parts: `bash RECIPE definition` and `bash RECIPE policy`.
set -euo pipefail

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 3 incomplete. Every failure is exit code 2.
code=2
trap 'exit "$code"' EXIT

# The ARNs below are of this region.
export AWS_REGION=YOUR_REGION AWS_DEFAULT_REGION=YOUR_REGION

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
    policy | machine_policy | definition | worker)
        "$1"
        code=0
        exit
        ;;
esac
@CHECK@
case $run in
    *[!A-Za-z0-9_-]*)
        echo "invalid RUN: use letters, digits, \`-\` and \`_\`" >&2
        exit
        ;;
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
if aws stepfunctions describe-state-machine --state-machine-arn "$arn" >/dev/null 2>&1; then
    aws stepfunctions update-state-machine --state-machine-arn "$arn" --definition "$(definition)" >/dev/null
else
    # Step Functions refuses a new role for some seconds, until IAM has told it of the role.
    made=
    for try in 1 2 3 4 5 6 7 8 9 10; do
        [ "$try" = 1 ] || sleep "${POLL:-6}"
        made=$(aws stepfunctions create-state-machine --name trailproof --role-arn "$role" \
            --definition "$(definition)" --query stateMachineArn --output text) && break
    done
    if [ -z "$made" ]; then
        echo "no report: the state machine was not made" >&2
        exit
    fi
    arn=$made
fi

# 4. The run.
execution=$(aws stepfunctions start-execution --state-machine-arn "$arn" --name "$run" --query executionArn --output text \
    --input "$(printf '{"run": "%s", "queue": "%s"}' "$run" "$url")")
echo "running $execution; the report will be in the log of the worker that merges" >&2

about() { aws stepfunctions describe-execution --execution-arn "$execution" --query "$1" --output text; }
failures=0
while true; do
    answer=$(about '[status, error]') || answer=
    read -r status error <<<"$answer"
    case $status in
        SUCCEEDED | FAILED | TIMED_OUT | ABORTED) break ;;
        RUNNING | PENDING_REDRIVE) failures=0 ;;
        *) failures=$((failures + 1)) ;;
    esac
    if [ "$failures" -ge 15 ]; then
        echo "no report: Step Functions gives no status for $execution, which may still run" >&2
        exit
    fi
    sleep "${POLL:-20}"
done

# The machine succeeds for `intact` alone, and fails by these names for the other verdicts. Other ends are no verdict.
case $status:$error in
    SUCCEEDED:None) code=0 ;;
    FAILED:trailproof.tampered) code=1 ;;
    FAILED:trailproof.incomplete) code=3 ;;
    *)
        echo "no report: the execution ended as $status, error $error" >&2
        about cause >&2
        ;;
esac
