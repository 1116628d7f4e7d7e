//! The closer look at each chain: every hour of every day as a picture, and in words what is not proved.

use std::cell::Cell;
use std::io;

use maud::{Markup, html};

use super::map;
use super::png::{self, Colour};
use super::shown::Shown;
use super::time::{self, Axis};
use crate::event::{ChainSummary, TimeState, Timeline};
use crate::time::{DAY, HOUR};

/// Days of one picture.
const MOST_DAYS: usize = 4_000;

/// Bytes of all pictures together.
const MOST_BYTES: usize = 700_000;

/// Stretches of a chain that are written out, and chains that are.
const MOST_STRETCHES: usize = 40;
const MOST_CHAINS: usize = 1_000;

const HOURS: usize = 24;

/// Height of an hour, and the most that a day is wide, in the picture's units.
const HOUR_HEIGHT: usize = 8;
const MOST_DAY_WIDTH: usize = 22;
const LEFT: usize = 44;
const TOP: usize = 18;

/// The colours of the page's style, which are told apart on white and on black. Index 0 is nothing.
const PALETTE: [Colour; 6] = [
    None,
    Some([0x9c, 0xc3, 0xea]),
    Some([0x2d, 0x7d, 0xd2]),
    Some([0x7a, 0x7f, 0x87]),
    Some([0xe8, 0xa3, 0x17]),
    Some([0xd1, 0x12, 0x3f]),
];

const fn colour(state: Option<TimeState>) -> u8 {
    match state {
        None | Some(TimeState::Unknown) => 0,
        Some(TimeState::Quiet) => 1,
        Some(TimeState::Proved) => 2,
        Some(TimeState::Gap) => 3,
        Some(TimeState::Unverified) => 4,
        Some(TimeState::Tampered) => 5,
    }
}

/// One folded part for each chain; the first is open where there is only one.
pub(super) fn days(chains: &[ChainSummary]) -> io::Result<Markup> {
    let spent = Cell::new(0);
    let drawn = |timeline: &Timeline| picture(timeline, &spent);
    let shown = chains.iter().take(MOST_CHAINS);
    let pictures: Vec<Option<Markup>> =
        shown.map(|chain| chain.timeline.as_ref().map_or(Ok(None), drawn)).collect::<io::Result<_>>()?;
    Ok(html! {
        @for (index, (chain, picture)) in chains.iter().zip(&pictures).enumerate() {
            details.day open[chains.len() == 1] {
                summary { (Shown(&map::name(chain))) " — " (in_words(chain)) }
                div id=(format!("c{index}")) {
                    @if let Some(picture) = picture { (picture) }
                    @if let Some(timeline) = &chain.timeline { (stretches(timeline)) }
                }
            }
        }
        @if chains.len() > MOST_CHAINS {
            p { (chains.len() - MOST_CHAINS) " more chains are in the JSON report." }
        }
    })
}

/// What a chain's time is worth, in hours.
fn in_words(chain: &ChainSummary) -> String {
    let Some(timeline) = &chain.timeline else { return "nothing of its time is known".to_owned() };
    let said = TimeState::ALL.into_iter().filter(|state| *state != TimeState::Unknown);
    let parts: Vec<String> = said
        .map(|state| (state, timeline.seconds(state)))
        .filter(|(_, seconds)| *seconds > 0)
        .map(|(state, seconds)| format!("{} {}", super::hours(seconds), state.as_str()))
        .collect();
    parts.join(", ")
}

/// A column for each day, a row for each hour; nothing where it would be too large.
fn picture(timeline: &Timeline, spent: &Cell<usize>) -> io::Result<Option<Markup>> {
    let Some(whole) = time::whole([timeline]) else { return Ok(None) };
    let days = Axis::of(whole, DAY);
    if days.cells > MOST_DAYS {
        return Ok(None);
    }
    let hours = Axis { start: days.start, cell: HOUR, cells: days.cells * HOURS };
    let states = hours.states(timeline);
    let row = |hour: usize| states.iter().skip(hour).step_by(HOURS).map(|state| colour(*state)).collect();
    let rows: Vec<Vec<u8>> = (0..HOURS).map(row).collect();
    let address = png::data_address(&rows, &PALETTE)?;
    spent.set(spent.get() + address.len());
    if spent.get() > MOST_BYTES {
        return Ok(None);
    }
    let day_width = (980 / days.cells.max(1)).clamp(1, MOST_DAY_WIDTH);
    let (width, height) = (days.cells * day_width, HOURS * HOUR_HEIGHT);
    let view = format!("0 0 {} {}", (LEFT + width).max(240), TOP + height + 2);
    Ok(Some(html! {
        svg.hours viewBox=(view) width=((LEFT + width).max(240)) role="img" data-days=(days.cells)
            aria-label="Every hour of every day; what is not proved is written out below" {
            @for (day, label) in days.labels() {
                text.tick x=(LEFT + day * day_width) y="12" { (label) }
            }
            @for hour in [0, 6, 12, 18] {
                text.tick x="0" y=(TOP + hour * HOUR_HEIGHT + 9) { (format!("{hour:02}:00")) }
            }
            rect.frame x=(LEFT) y=(TOP) width=(width) height=(height) {}
            image x=(LEFT) y=(TOP) width=(width) height=(height) preserveAspectRatio="none"
                image-rendering="pixelated" href=(address) {}
        }
    }))
}

/// What is not proved, stretch by stretch.
fn stretches(timeline: &Timeline) -> Markup {
    let is_trouble = |state| matches!(state, TimeState::Gap | TimeState::Unverified | TimeState::Tampered);
    let troubles = || timeline.stretches().filter(|stretch| is_trouble(stretch.state));
    let more = troubles().count().saturating_sub(MOST_STRETCHES);
    html! {
        @if troubles().next().is_none() {
            p { "From " (timeline.start()) " to " (timeline.end()) " everything is proved." }
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
            @if more > 0 { p { "and " (more) " more, which the JSON report has" } }
        }
    }
}
