//! Runs made by hand, and what holds for every format.

use std::sync::{Arc, Mutex};

use super::*;
use crate::event::{
    ChainCounts, ChainSummary, Counts, Fault, Finding, FindingMemory, FindingStatus, Kind, Origin, Reason,
    StateCounts, Summary, TimeState, Timeline, UsedKey, Verdict,
};
use crate::ident::{ChainId, Location, Sha256Hash};
use crate::time::{Interval, Range, Timestamp};

/// A writer whose bytes can be looked at after it was given away.
#[derive(Clone, Default)]
pub(super) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `events` become.
pub(super) fn render(format: Format, options: Options, events: &[Event]) -> String {
    let captured = Captured::default();
    let mut sink = to_writer(format, options, Box::new(captured.clone()));
    events.iter().for_each(|event| sink.event(event).unwrap());
    captured.text()
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_digest_field(text).unwrap()
}

pub(super) fn stretch(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).unwrap()
}

pub(super) fn chain(region: &str, trail: &str) -> ChainId {
    ChainId {
        account: "111122223333".into(),
        region: region.into(),
        trail: trail.into(),
        home_region: "us-east-1".into(),
        organization: None,
        backfill: false,
    }
}

/// The counts of a chain whose objects are all proved.
pub(super) fn valid(digests: u64, logs: u64) -> ChainCounts {
    let [digests, logs] = [digests, logs].map(|valid| StateCounts { valid, ..StateCounts::default() });
    ChainCounts { digests, logs }
}

pub(super) fn covered(id: ChainId, covered: Vec<Interval>) -> Event {
    let between = covered.len().saturating_sub(1) as u64;
    let timeline = timeline(&covered);
    Event::Chain(ChainSummary {
        id,
        covered,
        digests: 12,
        logs: 36,
        counts: Some(valid(12, 36)),
        gaps: between,
        timeline,
        remembered: Vec::new(),
        in_replica: false,
    })
}

/// Proved where it is covered, and a gap between.
fn timeline(covered: &[Interval]) -> Option<Timeline> {
    let mut timeline = Timeline::starting(covered.first()?.start);
    for stretch in covered {
        timeline.push((stretch.start.unix() - timeline.end().unix()).unsigned_abs(), TimeState::Gap);
        timeline.push(stretch.seconds().unsigned_abs(), TimeState::Proved);
    }
    Some(timeline)
}

pub(super) fn started(start: Option<&str>) -> Event {
    let range = Range { start: start.map(at), end: at("2026-09-01T12:06:57Z") };
    Event::Started {
        sources: vec!["s3://trail-logs".to_owned()],
        range,
        at: at("2026-09-02T08:00:00Z"),
        origin: Origin {
            run_by: Some("auditor@host".to_owned()),
            command: Some("trailproof validate s3://trail-logs".to_owned()),
            ..Origin::default()
        },
        single_objects: false,
    }
}

pub(super) fn finished(verdict: Verdict, counts: Counts) -> Event {
    let key = |fingerprint: &str, valid_from, valid_to| UsedKey {
        fingerprint: fingerprint.to_owned(),
        region: "us-east-1".to_owned(),
        valid_from,
        valid_to,
        source: "keys.json".to_owned(),
    };
    let keys = vec![
        key(
            "31e8b5433410dfb61a9dc45cc65b22ff",
            Some(at("2026-08-15T00:00:00Z")),
            Some(at("2026-09-15T00:00:00Z")),
        ),
        key("d41d8cd98f00b204e9800998ecf8427e", None, None),
    ];
    Event::Finished(Summary {
        verdict,
        counts,
        keys,
        interrupted: false,
        resolved: None,
        at: at("2026-09-02T08:00:12Z"),
    })
}

/// The end of a run that was interrupted.
pub(super) fn interrupted(counts: Counts) -> Event {
    match finished(Verdict::Incomplete, counts) {
        Event::Finished(summary) => Event::Finished(Summary { interrupted: true, ..summary }),
        other => other,
    }
}

pub(super) fn counts() -> Counts {
    let mut counts = Counts { compressed_bytes: 54_321, inflated_bytes: 1_234_567, ..Counts::default() };
    counts.digests.valid = 12;
    counts.logs.valid = 36;
    counts
}

pub(super) fn finding(finding: Finding) -> Event {
    Event::Finding(Box::new(finding))
}

pub(super) fn log_modified(key: &str) -> Finding {
    let hour = at("2026-09-01T03:06:57Z");
    Finding::told(Kind::LogModified, hour, "the SHA-256 of its content differs")
        .of_chain(&chain("us-east-1", "audit"))
        .about(&Location::new("trail-logs", key))
        .by_digest(&Location::new("trail-logs", "digest.json.gz"))
        .with_hashes(Some(Sha256Hash([0x11; 32])), Some(Sha256Hash([0x22; 32])))
}

pub(super) fn intact() -> Vec<Event> {
    let whole = stretch("2026-09-01T00:06:57Z", "2026-09-01T12:06:57Z");
    vec![
        started(None),
        covered(chain("us-east-1", "audit"), vec![whole]),
        finished(Verdict::Intact, counts()),
    ]
}

pub(super) fn tampered() -> Vec<Event> {
    let whole = stretch("2026-09-01T00:06:57Z", "2026-09-01T12:06:57Z");
    let mut counts = counts();
    (counts.logs.valid, counts.logs.tampered) = (35, 1);
    vec![
        started(Some("2026-09-01T00:00:00Z")),
        finding(log_modified("a/log.json.gz")),
        covered(chain("us-east-1", "audit"), vec![whole]),
        finished(Verdict::Tampered, counts),
    ]
}

pub(super) fn incomplete() -> Vec<Event> {
    let [early, late] = [
        stretch("2026-09-01T00:06:57Z", "2026-09-01T04:06:57Z"),
        stretch("2026-09-01T06:06:57Z", "2026-09-01T12:06:57Z"),
    ];
    let gap = Finding::new(Fault::LoggingStopped, early.end)
        .of_chain(&chain("eu-west-3", "audit_with_a_very_long_name"))
        .over(Interval::new(early.end, late.start).unwrap())
        .because(Reason::LoggingStopped);
    let unknown = Finding::told(Kind::KeyUnknown, late.start, "no key; its successor proves it").as_notice();
    let mut counts = counts();
    (counts.logs.unreferenced, counts.digests.unverified) = (1, 1);
    vec![
        started(None),
        finding(gap),
        finding(unknown),
        covered(chain("eu-west-3", "audit_with_a_very_long_name"), vec![early, late]),
        covered(ChainId { backfill: true, ..chain("us-east-1", "audit_with_a_very_long_name") }, Vec::new()),
        finished(Verdict::Incomplete, counts),
    ]
}

#[test]
fn formats_are_read_and_others_refused() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    let error = "ht\u{1b}ml".parse::<Format>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown report format `ht\\u{1b}ml`: expected one of `text`, `json`, `html`, `jsonl`, `csv`, `junit`, `prometheus`, \
         `asff`, `ocsf`"
    );
}

#[test]
fn the_same_events_give_the_same_bytes() {
    for format in Format::ALL {
        for events in [intact(), tampered(), incomplete()] {
            let [one, two] = [(); 2].map(|()| render(format, Options::default(), &events));
            assert_eq!(one, two);
        }
    }
}

#[test]
fn a_run_that_never_ends_leaves_no_report() {
    let events = tampered();
    // JSON Lines tells as it goes: what lacks its last line is not whole.
    for format in Format::ALL.into_iter().filter(|format| *format != Format::JsonLines) {
        assert_eq!(render(format, Options::default(), &events[..events.len() - 1]), "");
    }
}

/// Names that break out of quotes, elements, cells, lines and terminals.
pub(super) const HOSTILE: &str =
    "=a\"',;<b>&amp;]]>\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{fffe}\t\r\n\\é監\u{301}";

#[test]
fn no_format_shows_what_is_hidden() {
    let mut events = tampered();
    events.insert(1, finding(log_modified(HOSTILE)));
    events.insert(1, finding(Finding::told(Kind::NoDigests, at("2026-09-01T00:00:00Z"), HOSTILE)));
    events.insert(1, finding(log_modified(&"監".repeat(341))));
    for format in Format::ALL {
        let text = render(format, Options::default(), &events);
        assert!(text.ends_with('\n'), "{format:?}");
        let hidden = ['\u{1b}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{fffe}', '\t'];
        assert!(!text.contains(hidden), "{format:?}: {text}");
    }
}

/// Takes so many bytes, then fails.
struct Full(usize, io::ErrorKind);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 => Err(self.1.into()),
            taken => {
                self.0 -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fanout(outputs: Vec<(&str, Box<dyn Write + Send>)>) -> Fanout {
    let mut fanout = Fanout::new();
    for (name, writer) in outputs {
        fanout.add(name, Format::Json, Options::default(), writer);
    }
    fanout
}

#[test]
fn one_output_that_fails_leaves_the_others_whole() {
    let captured = Captured::default();
    let mut outputs = fanout(vec![
        ("stdout", Box::new(Full(0, io::ErrorKind::BrokenPipe))),
        ("full.json", Box::new(Full(100, io::ErrorKind::StorageFull))),
        ("whole.json", Box::new(captured.clone())),
    ]);
    tampered().iter().for_each(|event| outputs.event(event).unwrap());
    assert_eq!(captured.text(), render(Format::Json, Options::default(), &tampered()));
    let error = outputs.finish().unwrap_err();
    assert_eq!((error.name.as_str(), error.source.kind()), ("full.json", io::ErrorKind::StorageFull));
    assert!(!error.is_broken_pipe());
}

#[test]
fn the_run_ends_where_nobody_listens_any_more() {
    let mut outputs = fanout(vec![("stdout", Box::new(Full(0, io::ErrorKind::BrokenPipe)))]);
    let ended = tampered().iter().try_for_each(|event| outputs.event(event));
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert!(outputs.finish().unwrap_err().is_broken_pipe());
    let mut nobody = Fanout::new();
    tampered().iter().for_each(|event| nobody.event(event).unwrap());
    assert!(nobody.finish().is_ok());
}

/// The object that was looked at is the one that a reader is shown, and not its intact original.
#[test]
fn a_finding_on_a_copy_names_the_copy() {
    for (copy, arn) in [
        (Some("s3://trail-logs-dr/a/log.json.gz"), "arn:aws:s3:::trail-logs-dr/a/log.json.gz"),
        (Some("./two/log.json.gz"), "./two/log.json.gz"),
        (None, "arn:aws:s3:::moved/x/log.json.gz"),
    ] {
        let (copy, original) = (copy.map(str::to_owned), Some("s3://trail-logs/a/log.json.gz".to_owned()));
        let read_at = copy.is_none().then(|| "s3://moved/x/log.json.gz".to_owned());
        let looked_at = copy.clone().or(read_at.clone()).unwrap();
        let found = Finding { copy, read_at, original, ..log_modified("a/log.json.gz") };
        let mut events = tampered();
        events[1] = finding(found);
        for (format, shown) in [
            (Format::Text, format!("  {looked_at}\n")),
            (Format::Text, "    recorded  s3://trail-logs/a/log.json.gz\n".to_owned()),
            (Format::Html, format!("<p class=\"subject\"><code>{looked_at}</code>")),
            (Format::Html, "<dt>recorded at</dt><dd><code>s3://trail-logs/a/log.json.gz".to_owned()),
            (Format::JUnit, format!("log-modified: {looked_at}\n")),
            (Format::Asff, format!("\"Id\": \"{arn}\"")),
            (Format::Ocsf, format!("\"uid\":\"{arn}\"")),
            (Format::Csv, format!(",{looked_at}")),
            (Format::Json, format!("\"{looked_at}\"")),
            (Format::JsonLines, format!("\"{looked_at}\"")),
        ] {
            let text = render(format, Options::default(), &events);
            assert!(text.contains(&shown), "{format:?}: {shown}\n{text}");
            assert!(!text.contains("\"arn:aws:s3:::trail-logs/a/log.json.gz\""), "{format:?}: {text}");
        }
    }
}

/// A finding on many objects names them, or says which report does.
#[test]
fn the_objects_of_a_finding_on_many_are_named() {
    let objects: Vec<String> = (0..10).map(|number| format!("s3://trail-logs/f/{number}")).collect();
    let many = Finding { objects: objects.clone(), ..log_modified("f/") };
    let mut events = tampered();
    events[1] = finding(many);
    for format in [Format::Json, Format::JsonLines, Format::Csv, Format::Ocsf, Format::Html] {
        let text = render(format, Options::default(), &events);
        assert!(objects.iter().all(|object| text.contains(object.as_str())), "{format:?}: {text}");
    }
    for (format, told) in [
        (Format::Text, "    objects   10: `--report json=FILE` has all\n"),
        (Format::JUnit, "  objects   10: see the JSON report"),
        (Format::Asff, "\"trailproof/objects\": \"10, named in the JSON report\""),
    ] {
        let text = render(format, Options::default(), &events);
        assert!(text.contains(told), "{format:?}: {text}");
    }
}

/// People accept findings from the report that they read.
#[test]
fn every_format_for_machines_has_the_id_to_accept_a_finding_by() {
    let mut known = log_modified("a/log.json.gz");
    let mut memory = FindingMemory::of("0123456789abcdef0123456789abcdef".to_owned());
    memory.status = Some(FindingStatus::New);
    known.memory = Some(Box::new(memory));
    let mut events = tampered();
    events.insert(1, finding(known));
    for (format, id) in [
        (Format::Csv, ",0123456789abcdef0123456789abcdef,,,\r\n"),
        (Format::JUnit, "\n  id        0123456789abcdef0123456789abcdef"),
        (Format::Asff, "\"trailproof/finding-id\": \"0123456789abcdef0123456789abcdef\""),
        (Format::Ocsf, "0123456789abcdef0123456789abcdef"),
    ] {
        let text = render(format, Options::default(), &events);
        assert!(text.contains(id), "{format:?}: {text}");
    }
}
