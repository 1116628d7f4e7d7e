//! JUnit XML, for CI systems: a suite for each chain, a case for each check.
//!
//! The format is what Jenkins' JUnit plugin and similar tools read: `testsuites`, `testsuite`, `testcase` with at most
//! one `failure` or `error`, as described on <https://github.com/testmoapp/junitxml>. JUnit XML has no official
//! standard.
//!
//! | element | content |
//! |---|---|
//! | suite `ACCOUNT REGION TRAIL` | a chain (with `, home REGION` and the organization where two names would be equal); cases `digests`, `log files`, and `coverage` (not for backfill digests); of a run on single objects only cases with findings |
//! | suite `ACCOUNT REGION` | findings on a region but on no chain; of a region with a chain, the case `additions` is always present |
//! | suite `run` | the case `verdict`, whose message is the verdict line, and findings on no region |
//! | `failure` | at least one tampered finding; outranks `error` |
//! | `error` | at least one incomplete finding, or something that was not proved or not looked at: never a pass |
//! | `system-out` | notices |
//!
//! `type` is the kind of the first finding. `message` has the kind and, for several findings, their number; the text lists
//! up to 100 findings, and the objects of a finding on many are in the JSON report alone. The report is written when the run is over. Invisible characters, and with them all characters that XML
//! 1.0 does not allow, are written as `\u{…}`.

mod suite;

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event as Xml};

use super::escape::for_terminal;
use crate::event::{Report, ReportedChain};
use suite::{CaseOutcome, TestCase, TestSuite};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (suites, started, seconds) =
        (suites(report), report.started.to_string(), report.seconds().to_string());
    let mut xml = XmlDocument(quick_xml::Writer::new_with_indent(&mut *out, b' ', 2));
    xml.write(&suites, started.trim_end_matches('Z'), &seconds)?;
    out.write_all(b"\n")
}

/// All suites: the run, then chains and regions in order.
fn suites(report: &Report) -> Vec<TestSuite> {
    let mut regions: BTreeMap<(Option<&str>, Option<&str>), Vec<_>> = BTreeMap::new();
    for chain in report.chains() {
        let id = &chain.summary.id;
        regions.entry((Some(&*id.account), Some(&*id.region))).or_default();
    }
    for finding in report.run_wide() {
        regions.entry((finding.account.as_deref(), finding.region.as_deref())).or_default().push(finding);
    }
    let nowhere = regions.remove(&(None, None)).unwrap_or_default();
    let mut suites = vec![TestSuite::of_run(report, nowhere)];
    let chains = report.chains().zip(names(report));
    suites.extend(chains.map(|(chain, name)| TestSuite::of_chain(report, chain, name)));
    suites.extend(regions.into_iter().map(|(place, findings)| TestSuite::of_region(report, place, findings)));
    suites
}

/// Names of the chains' suites. If two chains share account, region and trail, the names include home region and
/// organization.
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

/// Writes the document element by element. All external text goes through [`for_terminal`], and the writer escapes XML.
struct XmlDocument<W: Write>(quick_xml::Writer<W>);

impl<W: Write> XmlDocument<W> {
    fn write(&mut self, suites: &[TestSuite], started: &str, seconds: &str) -> io::Result<()> {
        self.0.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let mut root = BytesStart::new("testsuites");
        root.push_attribute(("name", "trailproof"));
        push_counts(&mut root, suites.iter().flat_map(|suite| &suite.cases));
        root.push_attribute(("time", seconds));
        self.0.write_event(Xml::Start(root))?;
        suites.iter().try_for_each(|suite| self.suite(suite, started))?;
        self.0.write_event(Xml::End(BytesEnd::new("testsuites")))
    }

    fn suite(&mut self, suite: &TestSuite, started: &str) -> io::Result<()> {
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

    fn properties(&mut self, suite: &TestSuite) -> io::Result<()> {
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

    fn case(&mut self, suite: &str, case: &TestCase) -> io::Result<()> {
        let mut element = BytesStart::new("testcase");
        element.push_attribute(("classname", &*for_terminal(suite)));
        element.push_attribute(("name", case.name));
        element.push_attribute(("time", "0"));
        let (name, told) = match &case.outcome {
            CaseOutcome::Passed => return self.0.write_event(Xml::Empty(element)),
            CaseOutcome::Failure(told) => ("failure", told),
            CaseOutcome::Error(told) => ("error", told),
        };
        self.0.write_event(Xml::Start(element))?;
        let mut child = BytesStart::new(name);
        child.push_attribute(("message", &*for_terminal(&told.message)));
        child.push_attribute(("type", told.kind));
        self.text_element(child, &told.lines)?;
        self.0.write_event(Xml::End(BytesEnd::new("testcase")))
    }

    /// Writes an element with lines of text.
    fn text_element(&mut self, element: BytesStart<'_>, lines: &[String]) -> io::Result<()> {
        let end = element.to_end().into_owned();
        let lines: Vec<_> = lines.iter().map(|line| for_terminal(line)).collect();
        self.0.write_event(Xml::Start(element))?;
        self.0.write_event(Xml::Text(BytesText::new(&lines.join("\n"))))?;
        self.0.write_event(Xml::End(end))
    }
}

fn push_counts<'c>(element: &mut BytesStart<'_>, cases: impl Iterator<Item = &'c TestCase>) {
    let (mut all, mut failures, mut errors) = (0_u64, 0_u64, 0_u64);
    for case in cases {
        all += 1;
        match case.outcome {
            CaseOutcome::Passed => {}
            CaseOutcome::Failure(_) => failures += 1,
            CaseOutcome::Error(_) => errors += 1,
        }
    }
    for (name, count) in [("tests", all), ("failures", failures), ("errors", errors)] {
        element.push_attribute((name, &*count.to_string()));
    }
}

#[cfg(test)]
mod tests;
