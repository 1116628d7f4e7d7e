use std::sync::Mutex;

use indicatif::{ProgressDrawTarget, TermLike};

use super::bars::{ByteRate, COUNTING, HEAD, PLANNED};
use super::lines::line;
use super::*;
use crate::report::tests::Captured;

#[test]
fn counts_from_many_threads_and_shows_nothing_where_hidden() {
    let bars = Bars::new(Display::Hidden);
    bars.plan_digests(4);
    assert_eq!(bars.tally.expected_logs(), None, "no digest was read");
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| bars.digest(100)))));
    bars.plan_logs(2_000);
    assert_eq!(bars.tally.expected_logs(), Some(4_000), "half of the digests listed half of the log files");
    (0..2).for_each(|_| bars.digest(100));
    bars.plan_logs(2_000);
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| (0..1_000).for_each(|_| bars.log(3)))));
    });
    assert_eq!((bars.tally.digests.read(), bars.tally.digests.planned()), (4, 4));
    assert_eq!((bars.tally.logs.read(), bars.tally.expected_logs()), (4_000, Some(4_000)));
    assert_eq!(bars.tally.logs.bytes(), 12_000);
    bars.clear();
}

#[test]
fn a_line_says_what_is_done_how_long_it_took_and_what_was_found() {
    let bars = Bars::new(Display::Hidden);
    let after = |minutes: u64| line(&bars.tally, Duration::from_secs(minutes * 60 + 1));
    assert_eq!(after(1), "progress: 1 min, looking for trails, no findings yet");
    bars.phase(Phase::Validate);
    bars.plan_digests(2_000);
    bars.digest(1);
    bars.finding(Severity::Notice);
    bars.finding(Severity::Incomplete);
    assert_eq!(
        after(2),
        "progress: 2 min, reading digests and log files: 1 of 2,000 digests, 0 log files, 1 finding"
    );
    bars.phase(Phase::SearchAdditions);
    bars.log(1);
    bars.finding(Severity::Tampered);
    assert_eq!(
        after(135),
        "progress: 2 h 15 min, looking for added files: 1 of 2,000 digests, 1 log file, 2 findings, 1 tampered"
    );
}

#[test]
fn lines_come_until_they_are_stopped() {
    let (tally, captured) = (Arc::new(RunTally::new()), Captured::default());
    let lines = ProgressLines::start(&tally, Duration::from_millis(5), Box::new(captured.clone()));
    while captured.text().lines().count() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    lines.stop();
    let printed = captured.text();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(captured.text(), printed);
    assert!(printed.lines().all(|line| line == "progress: 0 min, looking for trails, no findings yet"));
    let silent = ProgressLines::start(&tally, Duration::from_secs(60), Box::new(captured.clone()));
    drop(silent);
    assert_eq!(captured.text(), printed);
}

/// A terminal of 80 columns that keeps what is written.
#[derive(Clone, Default, Debug)]
struct Terminal(Arc<Mutex<String>>);

impl Terminal {
    /// What was written since the last call.
    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        80
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Bars on a terminal that can be read.
fn on_a_terminal() -> (Bars, Terminal) {
    let (tally, terminal) = (Arc::new(RunTally::new()), Terminal::default());
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let bars = Some(TerminalBars::new(&tally, target));
    (Bars { tally, bars, lines: None }, terminal)
}

/// What is drawn within the next half second.
fn drawn(terminal: &Terminal) -> String {
    terminal.take();
    std::thread::sleep(Duration::from_millis(500));
    terminal.take()
}

#[test]
fn a_bar_is_drawn_once_its_total_is_known() {
    let (bars, terminal) = on_a_terminal();
    let shown = drawn(&terminal);
    assert!(shown.contains("00:00:00 looking for trails, no findings yet"), "{shown:?}");
    assert!(!shown.contains(['[', '=']) && !shown.contains("left"), "{shown:?}");
    bars.phase(Phase::Validate);
    bars.plan_digests(4);
    bars.finding(Severity::Tampered);
    let shown = drawn(&terminal);
    assert!(shown.contains("reading digests and log files, 1 finding, 1 tampered"), "{shown:?}");
    assert!(shown.contains("digests [") && !shown.contains("logs    ["), "{shown:?}");
    assert!(!shown.contains("[=====") && shown.contains(" 0 of 4 "), "{shown:?}");
    bars.digest(1);
    bars.digest(1);
    bars.plan_logs(10);
    let shown = drawn(&terminal);
    assert!(shown.contains(" 2 of 4 ") && shown.contains(" 0 of 20 "), "{shown:?}");
    assert!(!shown.contains("0s left"), "no log file was read: {shown:?}");
    bars.clear();
    assert_eq!(drawn(&terminal), "");
}

#[test]
fn words_fit_a_line_of_79_columns() {
    let bars = Bars::new(Display::Hidden);
    for phase in [Phase::Discover, Phase::Validate, Phase::SearchAdditions] {
        bars.phase(phase);
        let words = format!("00:00:00 {}, 1,234,567 findings, 1,234,567 tampered", bars.tally.phase());
        assert!(words.len() <= 79, "{words}");
    }
}

#[test]
fn the_templates_are_sound() {
    for template in [HEAD, COUNTING, PLANNED] {
        assert!(indicatif::ProgressStyle::with_template(template).is_ok());
    }
}

#[test]
fn the_rate_settles_on_what_comes_in() {
    let tally = Arc::new(RunTally::new());
    let mut rate = ByteRate::new(&tally, |tally| &tally.digests);
    let begin = std::time::Instant::now();
    for step in 1..=200 {
        tally.digests.count(50_000);
        rate.look(begin + Duration::from_millis(100) * step);
    }
    assert!((rate.per_second - 500_000.0).abs() < 1_000.0, "{}", rate.per_second);
}
