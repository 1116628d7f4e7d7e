//! What follows the options in `--help` and in the man pages: examples, exit codes, environment variables.
//!
//! Help and man pages are made of the same [`Section`]s, so both always agree.

mod help;

use crate::event::Kind;
use crate::report::severity_word;
use crate::simulate::TamperKind;
use crate::words;

pub(in crate::cli) use help::with_sections;

/// A titled part of a page.
pub(in crate::cli) struct Section {
    /// Title in `--help`.
    pub(in crate::cli) heading: &'static str,
    /// Title in the man page, by man's conventions.
    pub(in crate::cli) man_heading: &'static str,
    pub(in crate::cli) body: Body,
}

/// The content of a section.
pub(in crate::cli) enum Body {
    /// Comment and command line of each example.
    Examples(&'static [(&'static str, &'static str)]),
    /// Term and explanation of each entry.
    Terms(Vec<(String, String)>),
}

const PROGRAM: &[(&str, &str)] = &[
    ("List the account's trails and whether each can be validated", "trailproof trails"),
    ("Validate the last 7 days of a bucket", "trailproof validate s3://my-trail-logs --start-time 7d"),
    (
        "Make a synthetic trail, tamper with it, and see the alarm",
        "trailproof simulate ./drill --tamper log-modified",
    ),
];

const VALIDATE: &[(&str, &str)] = &[
    (
        "Validate every account, region and trail of a bucket, the last 7 days",
        "trailproof validate s3://my-trail-logs --start-time 7d",
    ),
    (
        "Validate one trail, found by its ARN",
        "trailproof validate arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
    ),
    (
        "Estimate what that would read and cost",
        "trailproof validate s3://my-trail-logs --start-time 7d --dry-run",
    ),
    (
        "Validate one account and region, and save two reports",
        "trailproof validate s3://my-trail-logs --account-id 111122223333 --region us-east-1 \\\n      \
         --report html=run.html --report json=run.json",
    ),
    (
        "Run a script unless everything is proved",
        "trailproof validate s3://my-trail-logs --start-time 24h --hook ./alarm.sh",
    ),
    (
        "Remember what is proved, and compare with the last run",
        "trailproof validate s3://my-trail-logs --state s3://audit-state/trailproof",
    ),
    ("Validate a copy on disk with saved keys", "trailproof validate ./copy --public-keys keys.json"),
];

const COLLECT: &[(&str, &str)] = &[
    ("Copy the last 30 days of a bucket", "trailproof collect s3://my-trail-logs ./copy --start-time 30d"),
    (
        "Copy one account and region, with a report",
        "trailproof collect s3://my-trail-logs ./copy --account-id 111122223333 --region us-east-1 \\\n      \
         --report html=run.html",
    ),
    (
        "Validate the copy of the first example, without AWS: ask for the same time",
        "trailproof validate ./copy --public-keys ./copy/public-keys.json --start-time 30d",
    ),
];

const TRAILS: &[(&str, &str)] = &[
    ("List every trail of the account", "trailproof trails"),
    ("List the trails of one home region as JSON", "trailproof trails --region us-east-1 --format json"),
];

const KEYS: &[(&str, &str)] = &[
    (
        "Save the keys of one region for the last 30 days",
        "trailproof keys --region us-east-1 --start-time 30d > keys.json",
    ),
    (
        "Save the keys of two regions",
        "trailproof keys --region us-east-1 --region eu-west-1 --start-time 30d > keys.json",
    ),
];

const VALIDATE_LOGS: &[(&str, &str)] = &[(
    "In a script, replace `aws cloudtrail` by `trailproof`",
    "trailproof validate-logs --start-time 2026-09-01T00:00:00Z \\\n      \
     --trail-arn arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
)];

const STATE: &[(&str, &str)] = &[
    ("Make a state in a directory", "trailproof state init ./state"),
    ("The same in a bucket", "trailproof state init s3://audit-state/trailproof"),
    (
        "Validate everything since the record began, and remember it",
        "trailproof validate s3://my-trail-logs --state s3://audit-state/trailproof",
    ),
    ("Show what is remembered, with the ids of findings", "trailproof state show ./state"),
    (
        "Accept a finding",
        "trailproof state accept ./state 0123456789abcdef0123456789abcdef --reason change-4711",
    ),
];

const SHARDS: &[(&str, &str)] = &[
    (
        "Plan a year of an organization's bucket",
        "trailproof shards plan s3://my-trail-logs --start-time 365d -o plan.jsonl",
    ),
    ("Carry out all shards on this machine", "trailproof shards run plan.jsonl -o results/"),
    (
        "Carry out one shard, as one job of an array; plan and results may also be in S3",
        "trailproof shards run plan.jsonl --index 0 -o results/",
    ),
    ("Make the report", "trailproof shards merge plan.jsonl results/ --report html=run.html"),
];

const DEPLOY: &[(&str, &str)] = &[
    (
        "A year of an organization's bucket by AWS Batch",
        "trailproof deploy batch s3://my-trail-logs --start-time 365d \\\n      \
         --work s3://audit-runs/trailproof > run.sh",
    ),
    (
        "A copy on a shared file system, by 200 jobs of a Slurm array",
        "trailproof deploy slurm /evidence/copy --public-keys /evidence/keys.json --work /evidence/runs \\\n      \
         --tasks 200 > run.sh",
    ),
    (
        "By all processors of some machines",
        "trailproof deploy parallel s3://my-trail-logs --work ./runs > run.sh",
    ),
];

const REPORT: &[(&str, &str)] = &[
    ("Show a saved report as text", "trailproof report run.json"),
    ("Make an HTML page from a saved report", "trailproof report run.json --quiet --report html=run.html"),
    ("Print the JSON Schema of reports", "trailproof report --schema"),
];

const SIMULATE: &[(&str, &str)] = &[
    (
        "Make a delivery, change one log file, and delete the first digest that lists log files",
        "trailproof simulate ./drill --tamper log-modified --tamper digest-deleted@first",
    ),
    ("Validate the delivery", "trailproof validate ./drill --public-keys ./drill/public-keys.json"),
    ("Deliver to a bucket", "trailproof simulate s3://my-drill-bucket --save ./drill-keys"),
];

const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "trailproof completions bash > ~/.local/share/bash-completion/completions/trailproof"),
    (
        "zsh, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc",
        "trailproof completions zsh > ~/.zfunc/_trailproof",
    ),
    ("fish", "trailproof completions fish > ~/.config/fish/completions/trailproof.fish"),
];

const MAN: &[(&str, &str)] =
    &[("Install the man pages; then `man trailproof-validate`", "trailproof man ~/.local/share/man/man1")];

const VERDICTS: &[(&str, &str)] = &[
    ("0", "`intact`: everything in the range is covered and proved, or accepted"),
    ("1", "`tampered`: something differs from what CloudTrail delivered"),
    ("2", "no verdict: the run could not begin, or a report or the state could not be written"),
    ("3", "`incomplete`: nothing proves tampering, but something could not be verified"),
    ("130", "a second Ctrl-C ended the run at once, without a report"),
    ("other", "failure"),
];

const COLLECTED: &[(&str, &str)] = &[
    ("0", "`intact`, and every object was collected"),
    ("1", "`tampered`: something differs from what CloudTrail delivered"),
    ("2", "no verdict: the run could not begin, or the copy or a report could not be written"),
    (
        "3",
        "`incomplete`, or an object could not be collected or is gone since an earlier collection, or the copy is not \
         complete",
    ),
    ("130", "a second Ctrl-C ended the run at once, without a report"),
    ("other", "failure"),
];

const FORMATS: &[(&str, &str)] = &[
    ("text", "for the terminal"),
    ("html", "one page to read, print and file"),
    ("json", "one document with everything (`trailproof/report/1`)"),
    ("jsonl", "each event as it happens, one JSON object a line"),
    ("csv", "for spreadsheets"),
    ("junit", "for CI"),
    ("prometheus", "for node_exporter's textfile collector"),
    ("asff", "for AWS Security Hub"),
    ("ocsf", "for Amazon Security Lake"),
];

const TIMES: &[(&str, &str)] = &[
    ("2026-09-01T00:00:00Z", "RFC 3339 with an offset: `Z` or such as `+09:00`"),
    ("2026-09-01", "a date: midnight UTC"),
    (
        "24h, 7d",
        "an age: this long before now, in weeks, days, hours, minutes or seconds, such as `2w`, `36h`, `1d12h` or `90m`. \
         Months and years have no fixed length",
    ),
];

const HOOKS: &[(&str, &str)] = &[
    ("TRAILPROOF_VERDICT", "`intact`, `tampered`, `incomplete`, or `error` for exit code 2"),
    ("TRAILPROOF_EXIT", "the exit code"),
    ("TRAILPROOF_SUMMARY", "the verdict line or the error message, in one line"),
    (
        "TRAILPROOF_REPORT",
        "the first JSON report that was written to a file, else the first report; may be absent",
    ),
    (
        "TRAILPROOF_NEW",
        "number of findings that the last run did not have; without `--state`: all, notices included",
    ),
    ("TRAILPROOF_RESOLVED", "number of findings that only the last run had; without `--state`: 0"),
];

/// The settings of AWS's own tools that the SDK reads.
#[cfg(feature = "aws")]
const AWS: &[(&str, &str)] = &[
    ("AWS_PROFILE", "profile of the shared configuration; `--profile` overrides it"),
    ("AWS_REGION, AWS_DEFAULT_REGION", "region of requests that belong to no other region; else us-east-1"),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "credentials; `--profile` overrides them",
    ),
    (
        "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE",
        "the shared files, instead of ~/.aws/config and ~/.aws/credentials",
    ),
    (
        "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_CLOUDTRAIL",
        "endpoint of every service, of S3 or of CloudTrail; that of one service comes before that of every service, and \
         `--endpoint-url` before all",
    ),
    ("AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT", "`true` selects these endpoints"),
    ("AWS_MAX_ATTEMPTS", "how often a failing request is sent; else 8 times"),
    ("AWS_EC2_METADATA_DISABLED", "`true` stops the search for credentials in the EC2 metadata service"),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "proxies, and the hosts to reach without one"),
    (
        "AWS_CA_BUNDLE",
        "file of certificate authorities in PEM to trust instead of the system's; overrides `ca_bundle` of the profile",
    ),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "the system's certificate authorities, without AWS_CA_BUNDLE"),
];

#[cfg(not(feature = "aws"))]
const AWS: &[(&str, &str)] = &[];

const NO_COLOR: (&str, &str) =
    ("NO_COLOR", "any value turns colours off, as `TERM=dumb` does; colours appear only on a terminal");

/// The sections of a command's page; `trailproof` is the program itself.
pub(in crate::cli) fn sections(command: &str) -> Vec<Section> {
    let plain = [("0", "done"), ("2", "failure, with a message on stderr")];
    let (examples, exit): (_, &[(&str, &str)]) = match command {
        "validate" => (VALIDATE, VERDICTS),
        "collect" => (COLLECT, COLLECTED),
        "trails" => (
            TRAILS,
            &[
                ("0", "every trail can be validated"),
                ("2", "CloudTrail could not be asked"),
                ("3", "a trail cannot be validated, the list may be incomplete, or there is no trail"),
            ],
        ),
        "keys" => (
            KEYS,
            &[
                ("0", "all keys were saved"),
                ("2", "no key was saved"),
                ("3", "a region or a key is missing; the warnings on stderr name it"),
            ],
        ),
        "validate-logs" => (
            VALIDATE_LOGS,
            &[
                ("0", "every file is proved"),
                ("1", "a file is not proved, or an hour is not covered"),
                ("2", "the run could not begin (252 to 255 in the AWS CLI)"),
                ("130", "a second Ctrl-C ended the run at once"),
                ("other", "failure"),
            ],
        ),
        "state" | "init" | "show" | "accept" => (
            STATE,
            &[
                ("0", "done"),
                (
                    "2",
                    "the state was not made, read or changed, of several findings none was accepted; a message on stderr says why",
                ),
            ],
        ),
        "shards" => (
            SHARDS,
            &[
                ("0", "`plan` and `run`: done, whatever the findings; `merge`: `intact`"),
                ("1, 3", "`merge`: the verdict is `tampered` or `incomplete`, as for `validate`"),
                ("2", "failure: `--help` of each command says which"),
            ],
        ),
        "plan" => (
            SHARDS,
            &[
                ("0", "planned; nothing was verified"),
                ("2", "no plan, or an incomplete one, which is refused"),
            ],
        ),
        "run" => (
            SHARDS,
            &[
                ("0", "every shard was carried out, whatever its findings"),
                ("2", "a line is no shard, or a shard was not carried out; run it again"),
            ],
        ),
        "merge" => (SHARDS, VERDICTS),
        "deploy" => (DEPLOY, &[("0", "printed"), ("2", "no recipe; a message on stderr says why")]),
        "report" => (REPORT, &[("0", "rendered, whatever the verdict"), ("2", "not rendered")]),
        "simulate" => (SIMULATE, &plain),
        "completions" => (COMPLETIONS, &plain),
        "man" => (MAN, &plain),
        _ => (PROGRAM, VERDICTS),
    };
    let mut sections =
        vec![Section { heading: "Examples", man_heading: "EXAMPLES", body: Body::Examples(examples) }];
    match command {
        "validate" | "collect" => {
            sections.push(terms("Formats", "FORMATS", FORMATS));
            sections.push(terms("Times", "TIMES", TIMES));
            if command == "validate" {
                sections.push(terms("Environment of a hook", "ENVIRONMENT OF A HOOK", HOOKS));
            }
        }
        "report" => {
            sections.push(terms("Formats", "FORMATS", FORMATS));
            sections.push(kinds());
        }
        "merge" => {
            sections.push(terms("Formats", "FORMATS", FORMATS));
            sections.push(terms("Environment of a hook", "ENVIRONMENT OF A HOOK", HOOKS));
        }
        "keys" | "plan" | "deploy" => sections.push(terms("Times", "TIMES", TIMES)),
        "simulate" => sections.push(tampering()),
        _ => {}
    }
    sections.push(terms("Exit codes", "EXIT STATUS", exit));
    let (aws, colour) = match command {
        "validate" | "collect" | "merge" | "trailproof" => (AWS, Some(NO_COLOR)),
        "report" => (&[][..], Some(NO_COLOR)),
        "trails" | "keys" | "validate-logs" | "simulate" | "state" | "init" | "show" | "accept"
        | "shards" | "plan" | "run" => (AWS, None),
        _ => (&[][..], None),
    };
    let variables: Vec<(&str, &str)> = aws.iter().copied().chain(colour).collect();
    if !variables.is_empty() {
        sections.push(terms("Environment", "ENVIRONMENT", &variables));
    }
    sections
}

fn terms(heading: &'static str, man_heading: &'static str, terms: &[(&str, &str)]) -> Section {
    let owned = terms.iter().map(|(term, text)| ((*term).to_owned(), (*text).to_owned()));
    Section { heading, man_heading, body: Body::Terms(owned.collect()) }
}

fn kinds() -> Section {
    let term = |kind: Kind| {
        let severity = severity_word(kind.severity());
        (kind.as_str().to_owned(), format!("{severity}: {}", words::meaning(kind)))
    };
    Section {
        heading: "Kinds of findings",
        man_heading: "KINDS OF FINDINGS",
        body: Body::Terms(Kind::ALL.map(term).to_vec()),
    }
}

fn tampering() -> Section {
    let kinds = TamperKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), kind.description().to_owned()));
    Section {
        heading: "Kinds of tampering",
        man_heading: "KINDS OF TAMPERING",
        body: Body::Terms(kinds.collect()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn every_example_is_a_valid_command_line() {
        let command = Cli::whole();
        let names = command.get_subcommands().map(|sub| sub.get_name().to_owned());
        for name in names.chain(["trailproof".to_owned()]).filter(|name| name != "help") {
            let sections = sections(&name);
            let examples = sections.iter().find_map(|section| match section.body {
                Body::Examples(examples) => Some(examples),
                Body::Terms(_) => None,
            });
            for (_, line) in examples.unwrap() {
                let line = line.replace("\\\n", " ");
                let words = line.split('>').next().unwrap_or_default().split_whitespace();
                let parsed = Cli::try_parse_from(words);
                #[cfg(feature = "aws")]
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                #[cfg(not(feature = "aws"))]
                drop(parsed);
            }
        }
    }
}
