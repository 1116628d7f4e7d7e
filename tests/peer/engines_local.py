"""GNU parallel, Slurm and Spark, each with the recipe that `trailproof deploy` prints."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import engines_kit as kit
from moto import free_port

SPARK = "local-cluster[2,1,1024]"
SPARK_ENV = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}

SLURM = """ClusterName=trailproof
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_min_interval=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def parallel(checks, small, large, folder):
    """The recipe for GNU parallel: every case, a process killed, a result lost, one twice."""
    if not shutil.which("parallel"):
        return checks.skip("parallel", "GNU parallel is not installed")
    for delivery in [*small, large]:
        place = folder / f"parallel-{delivery.name}"
        kill = "process" if delivery is large else "nothing"
        path = kit.program(folder / f"parallel-path-{delivery.name}", kill)

        def task():
            recipe = kit.recipe("parallel", folder / "parallel.sh", delivery, "--work", str(place))
            kit.equal(delivery, kit.run(["bash", recipe], path, env={"RUN": "run"}))
            if delivery is large:
                kit.was_killed(path)

        checks.check("parallel", delivery.name + (", a process killed" if delivery is large else ""), task)
    checks.check("parallel", "a result lost, one twice", lambda: altered(large, folder / f"parallel-{large.name}/run"))


def altered(delivery, run):
    """Merges what a run left, with a result less, and with one more."""
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    less, more = run / "less.jsonl", run / "more.jsonl"
    less.write_text("".join(lines[1:]))
    more.write_text("".join([*lines, lines[0]]))
    kit.lost(kit.merge(run / "plan.jsonl", less))
    kit.equal(delivery, kit.merge(run / "plan.jsonl", more))


def altered_folder(delivery, plan, results):
    """The same of a folder of results."""
    first = min(results.iterdir())
    shutil.copy(first, results / "again.json")
    kit.equal(delivery, kit.merge(plan, results))
    (results / "again.json").unlink()
    first.unlink()
    kit.lost(kit.merge(plan, results))


def slurm(checks, small, large, folder):
    """The recipe for Slurm, in a cluster of this machine."""
    with contextlib.ExitStack() as stack:
        why = stack.enter_context(cluster(folder / "slurm"))
        if why:
            return checks.skip("slurm", why)
        for delivery, kill in [(small[0], "nothing"), (large, "process")]:
            path = kit.program(folder / f"slurm-path-{delivery.name}", kill)
            work = folder / f"slurm-{delivery.name}"

            def task():
                options = ["--work", str(work), "--tasks", "4", "--tasks-at-once", "2"]
                recipe = kit.recipe("slurm", folder / "slurm.sh", delivery, *options)
                recipe.write_text(recipe.read_text().replace("--cpus-per-task=2", "--cpus-per-task=1"))
                kit.equal(delivery, kit.run(["bash", recipe], path, env={"RUN": "run", "POLL": "1"}))
                if delivery is large:
                    kit.was_killed(path)
                    altered_folder(delivery, work / "run/plan.jsonl", work / "run/results")

            note = ", a process killed, a result lost, one twice" if delivery is large else ""
            checks.check("slurm", delivery.name + note, task)


@contextlib.contextmanager
def cluster(folder):
    """A cluster of this machine: why there is none, or an empty text."""
    lacking = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]
    if lacking or os.geteuid() != 0:
        yield f"{', '.join(lacking)} not installed" if lacking else "its daemons run as root alone"
        return
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    host = socket.gethostname().split(".")[0]
    ports = free_port(), free_port()
    (folder / "slurm.conf").write_text(SLURM.format(host=host, folder=folder, ports=ports, cpus=os.cpu_count()))
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    munge = [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")]
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    daemons = []
    try:
        # Each in the foreground, so that it can be ended.
        for command in (["munged", "--force", "--foreground", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]):
            log = (folder / f"{command[0]}.out").open("wb")
            daemons.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
            time.sleep(1)
        yield idle(folder, daemons)
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
        del os.environ["SLURM_CONF"]


def idle(folder, daemons):
    """Waits for the node. Returns why it does not come."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(daemon.poll() is None for daemon in daemons):
        if kit.run(["sinfo", "-h", "-o", "%t"]).report.strip() == "idle":
            return ""
        time.sleep(0.5)
    logs = "; ".join((folder / f"{name}.out").read_text(errors="replace")[-200:].strip() for name in ("munged", "slurmctld", "slurmd"))
    return f"it does not start here: {logs!a}"


def spark(checks, small, large, folder):
    """The recipe for Spark, in a cluster of two workers: an executor killed, a result lost, one twice, the run continued; and
    every case in one session."""
    if not shutil.which("java"):
        return checks.skip("spark", "no `java` here")
    submit = Path(sys.executable).with_name("spark-submit")
    path = kit.program(folder / "spark-path", "executor")

    environment = SPARK_ENV | {"SPARK_WORKER_DIR": str(folder / "spark-workers")}
    # spark-submit mixes what the script prints to both streams.
    report = folder / "spark.json"
    run = folder / "spark/run"

    def one():
        options = ["--work", str(folder / "spark"), "--report", f"json={report}"]
        recipe = kit.recipe("spark", folder / "spark.py", large, *options)
        ran = kit.run([submit, "--master", SPARK, recipe], path, env=environment | {"RUN": "run"}, cwd=folder)
        kit.equal(large, kit.Verdict(ran.code, report.read_text(), ran.errors))
        kit.was_killed(path)
        altered_folder(large, run / "plan.jsonl", run / "results")

    checks.check("spark", f"{large.name}, an executor killed, a result lost, one twice", one)

    def again():
        # `altered_folder` has left a result less. Without spark-submit, by the script alone.
        report.unlink()
        planned = (run / "plan.jsonl").read_bytes()
        submitted = environment | {"RUN": "run", "PYSPARK_SUBMIT_ARGS": f"--master {SPARK} pyspark-shell"}
        ran = kit.run([sys.executable, folder / "spark.py"], path, env=submitted, cwd=folder)
        kit.equal(large, kit.Verdict(ran.code, report.read_text(), ran.errors))
        if (run / "plan.jsonl").read_bytes() != planned:
            raise kit.Wrong("the run was not continued: another plan")

    checks.check("spark", f"{large.name}, the run continued", again)
    plain = kit.program(folder / "spark-plain-path")
    for number, delivery in enumerate(small):
        kit.recipe("spark", folder / f"spark-{number}.py", delivery, "--work", str(folder / f"spark-{number}"))
    # A Spark session takes seconds to start, so the recipes of all cases run in one.
    session = folder / "spark_session.py"
    session.write_text(SESSION)
    files = [str(folder / f"spark-{number}.py") for number in range(len(small))]
    ran = []

    def all_cases():
        done = kit.run([submit, "--master", SPARK, session, *files], plain, env=environment, cwd=folder)
        ran.append(done)
        if done.code != 0:
            raise kit.Wrong(f"exit code {done.code}: {done.errors[-2000:]}")
        for number, delivery in enumerate(small):
            report = (folder / f"spark-{number}.py.out").read_text()
            code = int((folder / f"spark-{number}.py.code").read_text())
            try:
                kit.equal(delivery, kit.Verdict(code, report, done.errors))
            except kit.Wrong as error:
                raise kit.Wrong(f"{delivery.name}: {error}") from None

    checks.check("spark", f"{len(small)} fixtures", all_cases)


# Runs recipes one after the other, with the report of each in a file, and keeps the context between them.
SESSION = """import os, runpy, subprocess, sys
from pyspark import SparkContext
SparkContext.stop = lambda context: None
run = subprocess.run
for file in sys.argv[1:]:
    with open(file + ".out", "wb") as out:
        subprocess.run = lambda command, out=out: run(command, stdout=out)
        code = runpy.run_path(file)["main"]()
    open(file + ".code", "w").write(str(code))
"""
