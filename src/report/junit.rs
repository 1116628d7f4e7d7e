//! JUnit XML, so that a CI system shows each chain with what was checked of it.
//!
//! The form is the one that the Jenkins JUnit plugin and its like read: `testsuites`, `testsuite`, `testcase` with at
//! most one `failure` or `error`, as described on <https://github.com/testmoapp/junitxml>. Nobody owns the format.
//!
//! | element | what it is |
//! |---|---|
//! | suite `ACCOUNT REGION TRAIL` | one chain (with `, home REGION` and the organization where two would be called the same); cases `digests`, `log files`, and `coverage` (not of backfill digests) |
//! | suite `ACCOUNT REGION` | what concerns a region and none of its chains; the case `additions` is always there |
//! | suite `run` | the case `verdict`, and what concerns no region |
//! | `failure` | something is tampered with; outranks `error` |
//! | `error` | something could not be vouched for: never a pass |
//! | `system-out` | notices |
//!
//! `type` is the kind of the first finding, `message` says how many there are, and the text lists up to 100 of them. It
//! is written when the run is over. Characters that nobody sees, and with them all that XML 1.0 cannot hold, are written
//! as `\u{…}`.

mod suite;

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event as Xml};

use super::escape::for_terminal;
use crate::event::{Report, ReportedChain};
use suite::{Case, Check, Outcome, Suite};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (suites, started, seconds) =
        (suites(report), report.started.to_string(), report.seconds().to_string());
    let mut xml = Document(quick_xml::Writer::new_with_indent(&mut *out, b' ', 2));
    xml.write(&suites, started.trim_end_matches('Z'), &seconds)?;
    out.write_all(b"\n")
}

/// Every suite: the run, then chains and regions in their order.
fn suites(report: &Report) -> Vec<Suite> {
    let mut regions: BTreeMap<(Option<&str>, Option<&str>), Vec<_>> = BTreeMap::new();
    for chain in report.chains() {
        let id = &chain.summary.id;
        regions.entry((Some(&*id.account), Some(&*id.region))).or_default();
    }
    for finding in report.run_wide() {
        regions.entry((finding.account.as_deref(), finding.region.as_deref())).or_default().push(finding);
    }
    let nowhere = regions.remove(&(None, None)).unwrap_or_default();
    let mut suites = vec![Suite::of_run(report, nowhere)];
    suites.extend(report.chains().zip(names(report)).map(|(chain, name)| Suite::of_chain(chain, name)));
    suites.extend(regions.into_iter().map(|((account, region), findings)| {
        let name = [account, region].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Suite::new(name, &[Check::Additions], findings)
    }));
    suites
}

/// The name of each chain's suite. Where two chains share account, region and trail, the name says how they differ.
fn names(report: &Report) -> Vec<String> {
    let mut uses: BTreeMap<String, u64> = BTreeMap::new();
    for chain in report.chains() {
        *uses.entry(chain.summary.id.to_string()).or_default() += 1;
    }
    let name = |chain: &ReportedChain| {
        let id = &chain.summary.id;
        let organization = id.organization.iter().map(|organization| format!(", {organization}"));
        match (id.to_string(), organization.collect::<String>()) {
            (name, organization) if uses.get(&name) > Some(&1) => {
                format!("{name}, home {}{organization}", id.home_region)
            }
            (name, _) => name,
        }
    };
    report.chains().map(name).collect()
}

/// The document, element by element. Every text that comes from elsewhere is shown by [`for_terminal`] and escaped by
/// the writer.
struct Document<W: Write>(quick_xml::Writer<W>);

impl<W: Write> Document<W> {
    fn write(&mut self, suites: &[Suite], started: &str, seconds: &str) -> io::Result<()> {
        self.0.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let mut root = BytesStart::new("testsuites");
        root.push_attribute(("name", "trailproof"));
        push_counts(&mut root, suites.iter().flat_map(|suite| &suite.cases));
        root.push_attribute(("time", seconds));
        self.0.write_event(Xml::Start(root))?;
        suites.iter().try_for_each(|suite| self.suite(suite, started))?;
        self.0.write_event(Xml::End(BytesEnd::new("testsuites")))
    }

    fn suite(&mut self, suite: &Suite, started: &str) -> io::Result<()> {
        let mut element = BytesStart::new("testsuite");
        element.push_attribute(("name", &*for_terminal(&suite.name)));
        push_counts(&mut element, suite.cases.iter());
        element.push_attribute(("skipped", "0"));
        element.push_attribute(("time", "0"));
        element.push_attribute(("timestamp", started));
        self.0.write_event(Xml::Start(element))?;
        self.properties(suite)?;
        suite.cases.iter().try_for_each(|case| self.case(&suite.name, case))?;
        if !suite.notices.is_empty() {
            self.text_element(BytesStart::new("system-out"), &suite.notices)?;
        }
        self.0.write_event(Xml::End(BytesEnd::new("testsuite")))
    }

    fn properties(&mut self, suite: &Suite) -> io::Result<()> {
        if suite.properties.is_empty() {
            return Ok(());
        }
        self.0.write_event(Xml::Start(BytesStart::new("properties")))?;
        for (name, value) in &suite.properties {
            let mut property = BytesStart::new("property");
            property.push_attribute(("name", *name));
            property.push_attribute(("value", &*for_terminal(value)));
            self.0.write_event(Xml::Empty(property))?;
        }
        self.0.write_event(Xml::End(BytesEnd::new("properties")))
    }

    fn case(&mut self, suite: &str, case: &Case) -> io::Result<()> {
        let mut element = BytesStart::new("testcase");
        element.push_attribute(("classname", &*for_terminal(suite)));
        element.push_attribute(("name", case.name));
        element.push_attribute(("time", "0"));
        let (name, told) = match &case.outcome {
            Outcome::Passed => return self.0.write_event(Xml::Empty(element)),
            Outcome::Failure(told) => ("failure", told),
            Outcome::Error(told) => ("error", told),
        };
        self.0.write_event(Xml::Start(element))?;
        let mut child = BytesStart::new(name);
        child.push_attribute(("message", &*for_terminal(&told.message)));
        child.push_attribute(("type", told.kind));
        self.text_element(child, &told.lines)?;
        self.0.write_event(Xml::End(BytesEnd::new("testcase")))
    }

    /// An element that holds lines of text.
    fn text_element(&mut self, element: BytesStart<'_>, lines: &[String]) -> io::Result<()> {
        let end = element.to_end().into_owned();
        let lines: Vec<_> = lines.iter().map(|line| for_terminal(line)).collect();
        self.0.write_event(Xml::Start(element))?;
        self.0.write_event(Xml::Text(BytesText::new(&lines.join("\n"))))?;
        self.0.write_event(Xml::End(end))
    }
}

fn push_counts<'c>(element: &mut BytesStart<'_>, cases: impl Iterator<Item = &'c Case>) {
    let (mut all, mut failures, mut errors) = (0_u64, 0_u64, 0_u64);
    for case in cases {
        all += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failure(_) => failures += 1,
            Outcome::Error(_) => errors += 1,
        }
    }
    for (name, count) in [("tests", all), ("failures", failures), ("errors", errors)] {
        element.push_attribute((name, &*count.to_string()));
    }
}

#[cfg(test)]
mod tests;
