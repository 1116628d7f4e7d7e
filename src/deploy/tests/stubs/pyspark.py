# Stands for PySpark: a context that cannot start, or one that runs a task for each partition.
import os
import subprocess

assert os.environ.get("FAULT") != "import", "PySpark does not load"


class SparkConf:
    def setAppName(self, _name):
        return self

    def set(self, _name, _value):
        return self


class Lines:
    def __init__(self, lines):
        self.lines = lines

    def pipe(self, command, env, checkCode):
        for line in self.lines:
            subprocess.run(command, shell=True, input=line, text=True, check=checkCode)
        return self

    def count(self):
        return len(self.lines)


class SparkContext:
    @staticmethod
    def getOrCreate(_conf):
        assert os.environ.get("FAULT") != "context", "Java gateway process exited"
        return SparkContext()

    def parallelize(self, lines, _count):
        return Lines(lines)

    def stop(self):
        pass
