#!/usr/bin/env bash
# trailproof on Kubernetes: a Job that plans, an Indexed Job for the shards, a Job that merges.
#
@ABOUT@
#
# Needs: kubectl, and a cluster of version 1.29 or later (`backoffLimitPerIndex`). The image has `trailproof` and `sh`.
# The service account gets its AWS role by EKS's annotation below; elsewhere give credentials as your cluster does.
# Run it with bash. Each run makes jobs of its own, with logs; to delete those of all runs: kubectl delete job -l app=trailproof
set -euo pipefail

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 3 incomplete. Every failure is exit code 2.
code=2
folder=
trap '[ -z "$folder" ] || rm -rf "$folder" || true; exit "$code"' EXIT
folder=$(mktemp -d)

run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}

# The policy of the role. With objects encrypted by KMS, add: @KMS@
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

# Makes a job of this run, with a name that the cluster gives, and prints the name.
create() { sed "s/\"@@RUN_NAME@@\"}\$/\"$run\"}/" | kubectl create -f - -o name; }

# Waits for a job to end, and sets how it ended: Complete or Failed.
wait_for() {
    local failures=0 conditions
    while true; do
        if conditions=$(kubectl get "$1" --request-timeout=60s \
            -o jsonpath='{.status.conditions[?(@.status=="True")].type}'); then
            failures=0
            for ended in $conditions; do
                case $ended in Complete | Failed) return ;; esac
            done
        else
            failures=$((failures + 1))
        fi
        if [ "$failures" -ge 30 ]; then
            echo "no report: the cluster gives no status for $1, which was deleted or may still run" >&2
            exit
        fi
        sleep "${POLL:-10}"
    done
}

kubectl apply -f - >&2 <<'YAML'
apiVersion: v1
kind: ServiceAccount
metadata:
  name: trailproof
  labels: {app: trailproof}
  annotations:
    eks.amazonaws.com/role-arn: YOUR_ROLE_ARN
YAML

plan_job() {
    cat <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  generateName: trailproof-plan-
  labels: {app: trailproof}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: trailproof
      containers:
        - name: trailproof
          image: YOUR_IMAGE
          env:
            - {name: RUN, value: "@@RUN_NAME@@"}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 4Gi}}
          command: @PLAN@
YAML
}
plan=$(plan_job | create)
wait_for "$plan"
kubectl logs "$plan" >&2 || true
if [ "$ended" != Complete ]; then
    echo "no report: the plan was not made: kubectl describe $plan" >&2
    exit
fi

shards_job() {
    cat <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  generateName: trailproof-shards-
  labels: {app: trailproof}
spec:
  completionMode: Indexed
  completions: @TASKS@           # each takes every @TASKS@th shard
  parallelism: @AT_ONCE@
  backoffLimitPerIndex: @RETRIES@   # how often a task is tried again
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: trailproof
      containers:
        - name: trailproof
          image: YOUR_IMAGE
          env:
            - {name: RUN, value: "@@RUN_NAME@@"}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "2", memory: 2Gi}, limits: {memory: 4Gi}}
          command: @RUN@
YAML
}
shards=$(shards_job | create)
wait_for "$shards"
# What no task carried out is named by the report.
[ "$ended" = Complete ] || echo "some shards were not carried out: kubectl describe $shards" >&2

merge_job() {
    cat <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  generateName: trailproof-merge-
  labels: {app: trailproof}
spec:
  backoffLimit: 0                # exit codes 1 and 3 are verdicts
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: trailproof
      containers:
        - name: trailproof
          image: YOUR_IMAGE
          env:
            - {name: RUN, value: "@@RUN_NAME@@"}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "1", memory: 2Gi}, limits: {memory: 8Gi}}
          command: @MERGE@
YAML
}
merge=$(merge_job | create)
wait_for "$merge"

# The report, and the verdict: the last line of the log, which the container writes after the merge.
for try in 1 2 3 4 5 6; do
    kubectl logs "$merge" >"$folder/log" || true
    merged=$(sed -n "s/^trailproof-exit $run //p" "$folder/log")
    [ -z "$merged" ] || break
    sleep "${POLL:-10}"
done
sed "/^trailproof-exit $run /d" "$folder/log"
case $merged in
    0 | 1 | 3) code=$merged ;;
    '') echo "no verdict: the log could not be read, or the merge did not end: kubectl logs $merge" >&2 ;;
    *) echo "no report: \`trailproof shards merge\` ended with exit code $merged" >&2 ;;
esac
