#!/usr/bin/env bash
# trailproof on Kubernetes: a Job that plans, an Indexed Job for the shards, a Job that merges.
#
@ABOUT@
#
# Needs: kubectl, and a cluster of version 1.29 or later (`backoffLimitPerIndex`). The image has `trailproof` and `sh`.
# The service account gets its AWS role by EKS's annotation below; elsewhere give credentials as your cluster does.
# Run it with bash. To run it again, delete the jobs: kubectl delete job,configmap -l app=trailproof
set -euo pipefail

run=${RUN:-$(date -u +%Y%m%dT%H%M%SZ)}

# The policy of the role. With objects encrypted by KMS, add: @KMS@
policy() {
    cat <<'JSON'
@POLICY@
JSON
}
[ "${1-}" != policy ] || { policy; exit; }

# Waits for a job to be done. Fails if the job failed.
done_or_failed() {
    local status
    while true; do
        status=$(kubectl get job "$1" -o jsonpath='{.status.conditions[?(@.status=="True")].type}')
        case " $status " in
            *" Complete "*) return 0 ;;
            *" Failed "*) return 1 ;;
        esac
        sleep "${POLL:-10}"
    done
}

kubectl create configmap trailproof --from-literal=run="$run"
kubectl label configmap trailproof app=trailproof

kubectl apply -f - <<'YAML'
apiVersion: v1
kind: ServiceAccount
metadata:
  name: trailproof
  labels: {app: trailproof}
  annotations:
    eks.amazonaws.com/role-arn: YOUR_ROLE_ARN
YAML

kubectl create -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  name: trailproof-plan
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
            - {name: RUN, valueFrom: {configMapKeyRef: {name: trailproof, key: run}}}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 4Gi}}
          command: @PLAN@
YAML
done_or_failed trailproof-plan || { kubectl logs job/trailproof-plan >&2; exit 2; }
kubectl logs job/trailproof-plan >&2

kubectl create -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  name: trailproof-shards
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
            - {name: RUN, valueFrom: {configMapKeyRef: {name: trailproof, key: run}}}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "2", memory: 2Gi}, limits: {memory: 4Gi}}
          command: @RUN@
YAML
# What no task carried out is named by the report.
done_or_failed trailproof-shards || echo "some shards were not carried out: kubectl describe job trailproof-shards" >&2

kubectl create -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata:
  name: trailproof-merge
  labels: {app: trailproof}
spec:
  backoffLimit: 0                # the exit code is the verdict
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: trailproof
      containers:
        - name: trailproof
          image: YOUR_IMAGE
          env:
            - {name: RUN, valueFrom: {configMapKeyRef: {name: trailproof, key: run}}}
            - {name: HERE, value: @HERE@}
          resources: {requests: {cpu: "1", memory: 2Gi}, limits: {memory: 8Gi}}
          command: @MERGE@
YAML
done_or_failed trailproof-merge || true
kubectl logs job/trailproof-merge

# Ends with the exit code of the verdict: 0 intact, 1 tampered, 2 no report, 3 incomplete.
code=$(kubectl get pod -l job-name=trailproof-merge -o jsonpath='{.items[0].status.containerStatuses[0].state.terminated.exitCode}')
exit "${code:-2}"
