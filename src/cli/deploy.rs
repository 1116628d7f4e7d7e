//! `trailproof deploy`: prints a recipe.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::args::{Cli, DeployArgs};
use super::inputs::{InputRole, Inputs};
use super::sources::{self, is_in_s3};
use super::{Failure, outputs, print, say, typed};
use crate::deploy::{DeployRequest, Place, Target, recipe};
use crate::time::Timestamp;

/// What a plan tells the machines that run its shards. `run` has these options too.
const IN_THE_PLAN: [&str; 3] = ["public_keys", "jobs", "endpoint_url"];

/// Options of `validate` about its report and its memory, which an estimate does not have.
const TELLING: [&str; 9] =
    ["state", "recheck", "report", "format", "run_by", "hook", "hook_on", "hook_timeout", "ping"];

/// Prints the recipe, and returns the exit code.
pub(super) fn run(typed: &DeployArgs, now: Timestamp, line: &[OsString]) -> Result<u8, Failure> {
    check(typed, now)?;
    let target = Target::ALL.into_iter().find(|target| target.as_str() == typed.target);
    let target = target.unwrap_or(Target::Parallel);
    let given = Given::of(line)?;
    let sources = typed.sources.iter().map(|path| text(path)).collect::<Result<Vec<_>, _>>()?;
    let place = |path: Option<&Path>| path.map(|path| text(path).map(|text| Place::parse(&text))).transpose();
    let asks_keys = typed.sources.iter().any(|source| is_in_s3(source)) && typed.run.public_keys.is_empty();
    #[cfg(feature = "aws")]
    let asks_keys = asks_keys || typed.run.fetch_keys;
    let asked = [OsString::from("trailproof")].into_iter().chain(line.iter().skip(1).cloned());
    let request = DeployRequest {
        target,
        asked: asked.map(|word| text(Path::new(&word))).collect::<Result<_, _>>()?,
        estimate: [vec!["--dry-run".to_owned()], given.options(&["validate"], &TELLING)?].concat(),
        plan: given.options(&["shards", "plan"], &[])?,
        run: given.options(&["shards", "run"], &IN_THE_PLAN)?,
        merge: given.options(&["shards", "merge"], &[])?,
        sources: sources.iter().map(|source| Place::parse(source)).collect(),
        keys: typed.run.public_keys.iter().map(|path| text(path)).collect::<Result<_, _>>()?,
        has_report_files: !typed.output.report.is_empty(),
        hooks: typed.telling.hook.clone(),
        #[cfg(feature = "aws")]
        profile: typed.run.aws.profile.clone(),
        #[cfg(not(feature = "aws"))]
        profile: None,
        state: place(typed.state.as_deref())?,
        work: place(typed.work.as_deref())?,
        asks_keys,
        tasks: typed.tasks,
        at_once: typed.tasks_at_once,
        tries: typed.tries,
    };
    let recipe = recipe(&request).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    check_keys(typed)?;
    warnings(&request, &given).iter().for_each(|warning| say(warning));
    print(&recipe)?;
    Ok(0)
}

/// Options of recipes, each with the targets that use it.
const OF_TARGETS: [(&str, &str, &[Target]); 2] = [
    ("tasks", "--tasks", &[Target::Batch, Target::Kubernetes, Target::Slurm]),
    ("tasks_at_once", "--tasks-at-once", &[Target::Kubernetes, Target::Slurm, Target::StepFunctions]),
];

/// What the recipe does not use, and what lies where those who can write the evidence can write.
fn warnings(request: &DeployRequest, given: &Given) -> Vec<String> {
    let target = request.target;
    let unused = OF_TARGETS.iter().filter(|(id, _, targets)| !targets.contains(&target) && given.has(id));
    let unused = unused.map(|(_, option, _)| format!("warning: `{target}` does not use `{option}`"));
    let places = [("plans and results lie", &request.work), ("the state lies", &request.state)];
    let within = places.into_iter().filter_map(|(what, place)| {
        let place = place.as_ref().filter(|place| place.is_within(&request.sources))?;
        Some(format!(
            "warning: {what} in the evidence, `{}`: whoever can change the evidence can change them too; give another \
             bucket, best in another account",
            place.text()
        ))
    });
    unused.chain(within).collect()
}

/// Checks what the steps of the recipe would refuse.
fn check(typed: &DeployArgs, now: Timestamp) -> Result<(), Failure> {
    typed::sources(&typed.sources)?;
    for place in typed.state.iter().chain(&typed.work) {
        typed::target(place)?;
    }
    let times = [("--start-time", &typed.run.start_time), ("--end-time", &typed.run.end_time)];
    for (flag, time) in times {
        if let Some(time) = time {
            typed::moment(flag, time, now)?;
        }
    }
    typed::accounts("--account-id", &typed.run.account_id)?;
    typed::regions("--region", &typed.run.region)?;
    typed::trails("--trail", &typed.run.trail)?;
    outputs::format(&typed.output.format)?;
    let inputs = Inputs::of_run(&typed.run).with(InputRole::Source, &typed.sources);
    outputs::files(&typed.output.report, &inputs.with(InputRole::State, &typed.state))?;
    Ok(())
}

/// Refuses copies without keys, which `shards plan` would refuse. Sources in S3 have their keys from CloudTrail.
fn check_keys(typed: &DeployArgs) -> Result<(), Failure> {
    let is_remote = |path: &PathBuf| is_in_s3(path) || path.to_string_lossy().starts_with("arn:");
    let has_keys = !typed.run.public_keys.is_empty();
    #[cfg(feature = "aws")]
    let has_keys = has_keys || typed.run.fetch_keys;
    match has_keys || typed.sources.iter().any(is_remote) {
        true => Ok(()),
        false => Err(sources::no_keys()),
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let what = format!("`{}` is not UTF-8, and a recipe is", path.display());
        Failure::new(what, "rename the file or directory")
    })
}

/// What was given on the command line.
struct Given {
    program: Command,
    matches: ArgMatches,
}

impl Given {
    fn of(line: &[OsString]) -> Result<Self, Failure> {
        let program = Cli::whole();
        let matches = program.clone().try_get_matches_from(line);
        let matches = matches.ok().and_then(|mut matches| matches.remove_subcommand());
        match matches {
            Some((_, matches)) => Ok(Self { program, matches }),
            None => Err(Failure::new("the arguments cannot be read again", "report this error")),
        }
    }

    /// Whether the option was typed.
    fn has(&self, id: &str) -> bool {
        self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The given options that another command has too, as its arguments, and the sources if it takes these.
    fn options(&self, command: &[&str], but: &[&str]) -> Result<Vec<String>, Failure> {
        let deploy = self.program.find_subcommand("deploy");
        let other = command.iter().try_fold(&self.program, |program, name| program.find_subcommand(name));
        let (Some(deploy), Some(other)) = (deploy, other) else { return Ok(Vec::new()) };
        let is_shared = |argument: &&Arg| {
            let id = argument.get_id();
            !but.contains(&id.as_str())
                && self.matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
                && other.get_arguments().any(|theirs| theirs.get_id() == id)
        };
        let shared: Vec<&Arg> = deploy.get_arguments().filter(is_shared).collect();
        let (sources, options): (Vec<&Arg>, Vec<&Arg>) =
            shared.into_iter().partition(|argument| argument.is_positional());
        let mut words = Vec::new();
        for option in options {
            let name = format!("--{}", option.get_long().unwrap_or_default());
            if !option.get_action().takes_values() {
                words.push(name);
                continue;
            }
            for value in self.values(option)? {
                match value.starts_with('-') {
                    true => words.push(format!("{name}={value}")),
                    false => words.extend([name.clone(), value]),
                }
            }
        }
        let sources =
            sources.into_iter().map(|one| self.values(one)).collect::<Result<Vec<_>, _>>()?.concat();
        if sources.iter().any(|source| source.starts_with('-')) {
            words.push("--".to_owned());
        }
        words.extend(sources);
        Ok(words)
    }

    fn values(&self, argument: &Arg) -> Result<Vec<String>, Failure> {
        let raw = self.matches.get_raw(argument.get_id().as_str()).into_iter().flatten();
        raw.map(|value| text(Path::new(value))).collect()
    }
}
