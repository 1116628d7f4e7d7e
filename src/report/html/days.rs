//! Details of each chain: a picture of all hours, and a table of the stretches that are not proved.

use std::cell::Cell;
use std::io;

use maud::{Markup, html};

use super::PageChain;
use super::map;
use super::png::{self, PaletteColour};
use super::shown::SafeText;
use super::time::{self, TimeAxis};
use crate::event::{ChainSummary, TimeState, Timeline};
use crate::time::{DAY, HOUR};

/// Maximum number of days in a picture.
const MOST_DAYS: usize = 4_000;

/// Maximum size of all pictures together, in bytes.
const MOST_BYTES: usize = 700_000;

/// Maximum number of stretches to list per chain, and of chains to show.
const MOST_STRETCHES: usize = 40;
const MOST_CHAINS: usize = 1_000;

/// Number of chains above which completely proved chains are folded.
const OPEN_CHAINS: usize = 40;

const HOURS: usize = 24;

/// Maximum number of days to draw as rows, one below the other. More days are drawn as columns, side by side.
const DAYS_AS_ROWS: usize = 45;

const LEFT: usize = 76;
const TOP: usize = 18;

/// The colours of the page's style, distinguishable on white and on black. Index 0 is transparent.
const PALETTE: [PaletteColour; 7] = [
    None,
    Some([0x9c, 0xc3, 0xea]),
    Some([0x2d, 0x7d, 0xd2]),
    Some([0x7a, 0x7f, 0x87]),
    Some([0xe8, 0xa3, 0x17]),
    Some([0xd1, 0x12, 0x3f]),
    Some([0x5f, 0xa0, 0x5f]),
];

const fn colour(state: Option<TimeState>) -> u8 {
    match state {
        None | Some(TimeState::Unknown) => 0,
        Some(TimeState::Quiet) => 1,
        Some(TimeState::Proved) => 2,
        Some(TimeState::Gap) => 3,
        Some(TimeState::Unverified) => 4,
        Some(TimeState::Tampered) => 5,
        Some(TimeState::Remembered) => 6,
    }
}

/// A fold for each chain, open if the report has a single chain. With many chains, the completely proved chains share
/// another fold.
pub(super) fn days(chains: &[PageChain<'_>]) -> io::Result<Markup> {
    let spent = Cell::new(0);
    let mut parts = Vec::new();
    for (index, PageChain { summary: chain, is_troubled }) in chains.iter().enumerate().take(MOST_CHAINS) {
        let picture =
            chain.timeline.as_ref().map(|timeline| picture(timeline, &spent)).transpose()?.flatten();
        parts.push((*is_troubled, part(index, chain, picture.as_ref(), chains.len() == 1)));
    }
    let folds = chains.len() > OPEN_CHAINS;
    let (open, folded): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(troubled, _)| !folds || *troubled);
    Ok(html! {
        @for (_, part) in &open { (part) }
        @if !folded.is_empty() {
            details {
                summary { "Completely proved chains (" (folded.len()) ")" }
                @for (_, part) in &folded { (part) }
            }
        }
        @if chains.len() > MOST_CHAINS { p { (chains.len() - MOST_CHAINS) " more chains are in the JSON report." } }
    })
}

fn part(index: usize, chain: &ChainSummary, picture: Option<&Markup>, open: bool) -> Markup {
    html! {
        details.day open[open] {
            summary { (SafeText(&map::name(chain))) " — " (in_words(chain)) }
            div id=(format!("c{index}")) {
                @if let Some(picture) = picture { (picture) }
                @if let Some(timeline) = &chain.timeline { (stretches(timeline)) }
            }
        }
    }
}

/// Hours of the chain's time in each state.
fn in_words(chain: &ChainSummary) -> String {
    let Some(timeline) = &chain.timeline else { return "no time judged".to_owned() };
    let said = TimeState::ALL.into_iter().filter(|state| *state != TimeState::Unknown);
    let parts: Vec<String> = said
        .map(|state| (state, timeline.seconds(state)))
        .filter(|(_, seconds)| *seconds > 0)
        .map(|(state, seconds)| format!("{} {}", super::hours(seconds), state.as_str()))
        .collect();
    parts.join(", ")
}

/// A picture with a cell for each hour; `None` if the picture would be too large.
fn picture(timeline: &Timeline, spent: &Cell<usize>) -> io::Result<Option<Markup>> {
    let Some(whole) = time::whole([timeline]) else { return Ok(None) };
    let days = TimeAxis::of(whole, DAY);
    if days.cells > MOST_DAYS {
        return Ok(None);
    }
    let hours = TimeAxis { start: days.start, cell: HOUR, cells: days.cells * HOURS };
    let colours: Vec<u8> = hours.states(timeline).into_iter().map(colour).collect();
    let as_rows = days.cells <= DAYS_AS_ROWS;
    let rows: Vec<Vec<u8>> = if as_rows {
        colours.chunks(HOURS).map(<[u8]>::to_vec).collect()
    } else {
        (0..HOURS).map(|hour| colours.iter().skip(hour).step_by(HOURS).copied().collect()).collect()
    };
    let address = png::data_address(&rows, &PALETTE)?;
    spent.set(spent.get() + address.len());
    if spent.get() > MOST_BYTES {
        return Ok(None);
    }
    // The frame labels days, whatever the length of a cell.
    let frame = if as_rows { PictureFrame::of_rows(days) } else { PictureFrame::of_columns(days) };
    Ok(Some(frame.draw(&address, days.cells)))
}

/// The picture's size, and the labels above and beside the picture with their positions.
struct PictureFrame {
    width: usize,
    height: usize,
    above: Vec<(usize, String)>,
    beside: Vec<(usize, String)>,
}

impl PictureFrame {
    /// A row for each day, a column for each hour.
    fn of_rows(days: TimeAxis) -> Self {
        let height = if days.cells <= 10 { 16 } else { 12 };
        let hour = |hour: usize| (hour * 36, format!("{hour:02}:00"));
        let day = |day: usize| {
            (day * height, days.moment(day).to_string().get(..10).unwrap_or_default().to_owned())
        };
        Self {
            width: HOURS * 36,
            height: days.cells * height,
            above: (0..HOURS).step_by(3).map(hour).collect(),
            beside: (0..days.cells).map(day).collect(),
        }
    }

    /// A column for each day, a row for each hour.
    fn of_columns(days: TimeAxis) -> Self {
        let width = (940 / days.cells.max(1)).clamp(1, 20);
        let hour = |hour: usize| (hour * 8, format!("{hour:02}:00"));
        let labels = days.labels(days.cells * width / 60);
        Self {
            width: days.cells * width,
            height: HOURS * 8,
            above: labels.into_iter().map(|(day, label)| (day * width, label)).collect(),
            beside: [0, 6, 12, 18].into_iter().map(hour).collect(),
        }
    }

    fn draw(&self, address: &str, days: usize) -> Markup {
        let (width, height) = (LEFT + self.width + 40, TOP + self.height + 2);
        html! {
            svg.hours viewBox=(format!("0 0 {width} {height}")) width=(width) role="img" data-days=(days)
                aria-label="All hours of all days; the table below lists the stretches that are not proved" {
                @for (x, label) in &self.above { text.tick x=(LEFT + x) y="12" { (label) } }
                @for (y, label) in &self.beside { text.tick x="0" y=(TOP + y + 10) { (label) } }
                rect.frame x=(LEFT) y=(TOP) width=(self.width) height=(self.height) {}
                image x=(LEFT) y=(TOP) width=(self.width) height=(self.height) preserveAspectRatio="none"
                    image-rendering="pixelated" href=(address) {}
            }
        }
    }
}

/// A table of the stretches that are not proved.
fn stretches(timeline: &Timeline) -> Markup {
    let is_trouble = |state| matches!(state, TimeState::Gap | TimeState::Unverified | TimeState::Tampered);
    let troubles = || timeline.stretches().filter(|stretch| is_trouble(stretch.state));
    let more = troubles().count().saturating_sub(MOST_STRETCHES);
    html! {
        @if troubles().next().is_none() {
            p { "Completely proved from " (timeline.start()) " to " (timeline.end()) "." }
        } @else {
            table.stretches {
                thead { tr { th scope="col" { "from" } th scope="col" { "to" } th scope="col" { "state" } } }
                tbody {
                    @for stretch in troubles().take(MOST_STRETCHES) {
                        tr {
                            td { (stretch.time.start) }
                            td { (stretch.time.end) }
                            td { span.state.(stretch.state.as_str()) { (stretch.state.as_str()) } }
                        }
                    }
                }
            }
            @if more > 0 { p { "and " (more) " more: see the JSON report" } }
        }
    }
}
