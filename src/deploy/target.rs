//! The engines.

use std::fmt;

/// An engine that a recipe is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Apache Spark, by PySpark.
    Spark,
    /// AWS Batch: an array job.
    Batch,
    /// AWS Step Functions: a distributed map, and workers on SQS.
    StepFunctions,
    /// Kubernetes: an indexed Job.
    Kubernetes,
    /// Slurm: a job array.
    Slurm,
    /// GNU parallel.
    Parallel,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 6] =
        [Self::Spark, Self::Batch, Self::StepFunctions, Self::Kubernetes, Self::Slurm, Self::Parallel];

    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spark => "spark",
            Self::Batch => "batch",
            Self::StepFunctions => "step-functions",
            Self::Kubernetes => "kubernetes",
            Self::Slurm => "slurm",
            Self::Parallel => "parallel",
        }
    }

    /// Whether directories can be sources and work folders: the machines are one, or share a file system.
    #[must_use]
    pub const fn shares_directories(self) -> bool {
        matches!(self, Self::Spark | Self::Slurm | Self::Parallel)
    }

    /// The programs that a shell script needs where it is run, separated by spaces.
    pub(super) const fn programs(self) -> &'static str {
        match self {
            Self::Spark => "",
            Self::Batch | Self::StepFunctions => "aws",
            Self::Kubernetes => "kubectl",
            Self::Slurm => "sbatch",
            Self::Parallel => "trailproof parallel",
        }
    }

    /// Whether the policy is a comment. The other recipes make a role with it.
    pub(super) const fn has_policy_in_comment(self) -> bool {
        self.shares_directories()
    }

    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Spark => include_str!("spark.py"),
            Self::Batch => include_str!("batch.sh"),
            Self::StepFunctions => include_str!("step-functions.sh"),
            Self::Kubernetes => include_str!("kubernetes.sh"),
            Self::Slurm => include_str!("slurm.sh"),
            Self::Parallel => include_str!("parallel.sh"),
        }
    }

    /// The least and the most jobs of an array: [AWS Batch](https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html)
    /// takes 2 to 10,000; Kubernetes 100,000 with a limit for each index
    /// ([API](https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/)); Slurm what `MaxArraySize`
    /// says, at most 4,000,001 ([slurm.conf](https://slurm.schedmd.com/slurm.conf.html)).
    pub(super) const fn tasks(self) -> (u32, u32) {
        match self {
            Self::Batch => (2, 10_000),
            Self::Spark | Self::StepFunctions | Self::Kubernetes | Self::Slurm | Self::Parallel => {
                (1, 100_000)
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
