//! The HTML report: one file that needs no other and no script, to be read in a browser, printed and filed.
//!
//! It is written when the run is over. What is kept until then is bounded: findings are rendered as they come, up to a
//! number of bytes, and counted beyond that; chains are kept whole, each with its timeline. The page is under 2 MB for a
//! million log files, ten thousand findings and a year of 200 chains.
//!
//! Everything that comes from a bucket, a directory or the user goes through [`Shown`](shown::Shown). A browser is told
//! besides to run no script and to fetch nothing.

mod coverage;
mod days;
mod findings;
mod map;
mod method;
mod png;
mod reproduce;
mod scope;
mod shown;
mod time;

use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::text::{findings::Findings, verdict};
use crate::event::{ChainSummary, Event, Origin, Sink, Summary};
use crate::report::shell;
use crate::time::{Range, Timestamp};
use findings::Groups;
use reproduce::Where;
use shown::Shown;

const STYLE: &str = include_str!("html/style.css");

pub(super) struct Html {
    out: BufWriter<Box<dyn Write + Send>>,
    begun: Option<Begun>,
    place: Where,
    groups: Groups,
    counted: Findings,
    chains: Vec<ChainSummary>,
}

struct Begun {
    sources: Vec<String>,
    range: Range,
    at: Timestamp,
    origin: Origin,
}

impl Begun {
    /// The command that gives a report with every finding.
    fn all(&self) -> String {
        match &self.origin.command {
            Some(command) => format!("{command} --report json=FILE"),
            None => {
                let sources = self.sources.iter().map(String::as_str);
                format!(
                    "{} --report json=FILE",
                    shell::line(["trailproof", "validate"].into_iter().chain(sources))
                )
            }
        }
    }
}

impl Html {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self {
            out: BufWriter::new(writer),
            begun: None,
            place: Where::Bucket,
            groups: Groups::default(),
            counted: Findings::default(),
            chains: Vec::new(),
        }
    }

    fn write(&mut self, summary: &Summary) -> io::Result<()> {
        let begun = self.begun.as_ref().ok_or_else(|| io::Error::other("the run ended before it began"))?;
        let covered = ChainSummary::covered_until(&self.chains);
        let why = verdict::why(summary, &self.counted, covered);
        let parts = [
            head(begun, summary),
            header(summary, &why),
            scope::scope(begun, summary),
            coverage::coverage(&self.chains),
            section("findings", "Findings", &self.groups.render(&begun.all())),
            section("days", "Day by day", &days::days(&self.chains)?),
            section("keys", "Keys used", &scope::keys(&summary.keys)),
            section("method", "Method: what is proved, and what is not", &method::method()),
            section("controls", "Controls", &method::controls()),
            foot(begun),
        ];
        parts.into_iter().try_for_each(|part| self.out.write_all(part.into_string().as_bytes()))?;
        self.out.flush()
    }
}

impl Sink for Html {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started { sources, range, at, origin } => {
                self.place = Where::of(sources);
                let (sources, origin) = (sources.clone(), origin.clone());
                self.begun = Some(Begun { sources, range: *range, at: *at, origin });
            }
            Event::Object { .. } => {}
            Event::Finding(finding) => {
                self.groups.add(finding, &self.place);
                self.counted.add(finding);
            }
            Event::Chain(chain) => self.chains.push(chain.clone()),
            Event::Finished(summary) => self.write(summary)?,
        }
        Ok(())
    }
}

const SECTIONS: [(&str, &str); 7] = [
    ("scope", "Scope"),
    ("coverage", "Coverage"),
    ("findings", "Findings"),
    ("days", "Day by day"),
    ("keys", "Keys"),
    ("method", "Method"),
    ("controls", "Controls"),
];

/// Up to the beginning of the body.
fn head(begun: &Begun, summary: &Summary) -> Markup {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let title = format!("trailproof: {}, {}", summary.verdict.as_str(), begun.sources.join(" "));
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\" dir=\"ltr\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="referrer" content="no-referrer";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (Shown(&title)) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        a.skip href="#findings" { "Skip to the findings" }
    }
}

fn header(summary: &Summary, why: &str) -> Markup {
    let word = summary.verdict.as_str();
    html! {
        header {
            p.brand { "CloudTrail's record, validated by trailproof" }
            div.verdict.(word) {
                h1 { (word) }
                p.why { (Shown(why)) }
            }
            nav aria-label="Sections" { ul {
                @for (id, title) in SECTIONS { li { a href=(format!("#{id}")) { (title) } } }
            } }
        }
        (PreEscaped("<main>"))
    }
}

fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (content) } }
}

fn foot(begun: &Begun) -> Markup {
    html! {
        (PreEscaped("</main>"))
        footer { "trailproof " (Shown(&begun.origin.version)) ", run at " (begun.at) ". All times are UTC." }
        (PreEscaped("</body></html>\n"))
    }
}

/// A length of time in hours, to the tenth where it is not a whole number.
fn hours(seconds: u64) -> String {
    let tenths = seconds / 360;
    match (tenths / 10, tenths % 10) {
        (0, 0) => "under 0.1 h".to_owned(),
        (hours, 0) => format!("{} h", super::text::layout::grouped(hours)),
        (hours, tenth) => format!("{}.{tenth} h", super::text::layout::grouped(hours)),
    }
}

#[cfg(test)]
mod tests;
