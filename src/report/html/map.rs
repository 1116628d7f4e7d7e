//! The heat map: a row for each chain, a cell for each hour or day, drawn without a script.
//!
//! Consecutive cells in the same state are a single step of a path, so that a year of 200 chains stays small. States
//! differ in height as well as in colour.

use maud::{Markup, html};

use super::PageChain;
use super::shown::SafeText;
use super::time::{self, TimeAxis};
use crate::event::{ChainSummary, TimeState};
use crate::report::text::layout::fit;

/// Maximum number of chains to draw; beyond, completely proved chains are left out.
const MOST_ROWS: usize = 1_000;

/// Maximum number of rows to label with chain names.
const NAMED_ROWS: usize = 40;

/// Maximum number of letters of a chain's name in a label.
const NAME_LETTERS: usize = 46;

/// Width of a letter of a label, in hundredths of an SVG unit: that of the style sheet's widest font, at 11 units.
const LETTER: usize = 663;

/// Width of the map, and of the label column for chain names or for account ids, in SVG units.
const WIDTH: usize = 1_030;
const CHAINS: usize = NAME_LETTERS * LETTER / 100 + 6;
const ACCOUNTS: usize = 100;

/// The map of all chains with a timeline.
pub(super) fn map(chains: &[PageChain<'_>]) -> Markup {
    let (rows, left_out) = rows(chains);
    let timelines = rows.iter().filter_map(|(_, chain)| chain.summary.timeline.as_ref());
    let Some(whole) = time::whole(timelines) else {
        return html! { p { "No chain has a timeline to draw." } };
    };
    let map = HeatMap::new(TimeAxis::over(whole), rows.len());
    let height = map.top + map.pitch * rows.len() + 4;
    let end = map.axis.moment(map.axis.cells);
    html! {
        p.axis {
            "Each cell is " (map.axis.cell_words()) " and shows the gravest state in it, from "
            (map.axis.moment(0)) " to " (end) " (UTC). A digest is drawn in the hour in which the digest begins."
        }
        @if left_out > 0 { p { (left_out) " more chains are not drawn: they are completely proved." } }
        div.wide {
            svg.map viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="map-title map-about"
                data-cell=(map.axis.cell) data-cells=(map.axis.cells) {
                title id="map-title" { "Coverage by chain and time" }
                desc id="map-about" { "The coverage tables below have the same data in numbers." }
                (map.axis())
                @for (row, (index, chain)) in rows.iter().enumerate() { (map.row(row, *index, chain.summary)) }
                @if rows.len() > NAMED_ROWS { (map.accounts(&rows)) }
            }
        }
    }
}

type MapRow<'a> = (usize, PageChain<'a>);

/// The chains to draw, with their numbers, and the number of omitted chains.
fn rows<'a>(chains: &[PageChain<'a>]) -> (Vec<MapRow<'a>>, usize) {
    let drawn: Vec<MapRow<'_>> =
        chains.iter().copied().enumerate().filter(|(_, chain)| chain.summary.timeline.is_some()).collect();
    let spare = drawn.len().saturating_sub(MOST_ROWS);
    let mut left_out = 0;
    let is_kept = |row: &MapRow<'_>| {
        let leave = left_out < spare && !row.1.is_troubled;
        left_out += usize::from(leave);
        !leave
    };
    let kept = drawn.into_iter().filter(is_kept).take(2 * MOST_ROWS).collect();
    (kept, left_out)
}

/// Whether any of the chain's time is not proved.
pub(super) fn has_trouble(chain: &ChainSummary) -> bool {
    let troubles = [TimeState::Gap, TimeState::Unverified, TimeState::Tampered];
    chain.gaps > 0
        || chain
            .timeline
            .as_ref()
            .is_none_or(|timeline| troubles.iter().any(|state| timeline.seconds(*state) > 0))
}

struct HeatMap {
    axis: TimeAxis,
    /// Height of a row, in SVG units.
    pitch: usize,
    /// Width of a cell, in hundredths of a unit.
    cell: usize,
    top: usize,
    left: usize,
}

impl HeatMap {
    fn new(axis: TimeAxis, rows: usize) -> Self {
        let pitch = if rows <= NAMED_ROWS { 18 } else { (1_200 / rows).clamp(4, 12) };
        let left = if rows <= NAMED_ROWS { CHAINS } else { ACCOUNTS };
        let cell = ((WIDTH - left) * 100 / axis.cells.max(1)).min(3_600);
        Self { axis, pitch, cell, top: 22, left }
    }

    fn axis(&self) -> Markup {
        let x = |cell: usize| self.left + cell * self.cell / 100;
        html! {
            @for (cell, label) in self.axis.labels(self.axis.cells * self.cell / 100 / 60) {
                text.tick x=(x(cell)) y="12" { (label) }
                path.tick d=(format!("M{} 15v4", x(cell))) {}
            }
        }
    }

    fn row(&self, row: usize, index: usize, chain: &ChainSummary) -> Markup {
        let middle = self.top + row * self.pitch + self.pitch / 2;
        let place =
            format!("translate({} {middle})scale({} {})", self.left, hundredths(self.cell), self.pitch);
        let name = name(chain);
        let states = chain.timeline.as_ref().map(|timeline| self.axis.states(timeline)).unwrap_or_default();
        html! {
            a href=(format!("#c{index}")) tabindex="-1" {
                title { (SafeText(&name)) }
                @if self.left == CHAINS {
                    text.name x="0" y=(middle + 4) { (SafeText(&fit(&name, NAME_LETTERS))) }
                }
                g data-chain=(index) transform=(place) {
                    @for state in TimeState::ALL {
                        @let path = path(&states, state);
                        @if !path.is_empty() {
                            path class=(class(state, self.cell)) d=(path) {}
                        }
                    }
                }
            }
        }
    }

    /// Labels the accounts, at their first rows, if the rows are too low for chain names.
    fn accounts(&self, rows: &[MapRow<'_>]) -> Markup {
        let mut free = 0;
        let mut names = Vec::new();
        let mut last = None;
        for (row, (_, chain)) in rows.iter().enumerate() {
            let y = self.top + row * self.pitch + self.pitch;
            let account = &chain.summary.id.account;
            if last != Some(account) && y >= free {
                names.push((y, account));
                free = y + 13;
            }
            last = Some(account);
        }
        html! {
            @for (y, account) in names { text.name x="0" y=(y + 4) { (SafeText(&fit(account, 14))) } }
        }
    }
}

/// The chain's name, for people.
pub(super) fn name(chain: &ChainSummary) -> String {
    let organization = chain.id.organization.as_deref();
    organization.map_or_else(|| chain.id.to_string(), |organization| format!("{} {organization}", chain.id))
}

/// The CSS class of a state's cells. Narrow tampered cells are drawn wider, since tampering must be visible. Narrow
/// unverified cells are drawn without dashes, which would only dim the colour.
fn class(state: TimeState, cell: usize) -> String {
    let form = match state {
        TimeState::Tampered if cell < 600 => " narrow",
        TimeState::Unverified if cell < 600 => " solid",
        _ => "",
    };
    format!("{}{form}", state.letter())
}

/// The path of all cells in `state`: a step for each run of cells.
fn path(states: &[Option<TimeState>], state: TimeState) -> String {
    if state == TimeState::Unknown {
        return String::new();
    }
    let mut path = String::new();
    let mut at = 0;
    for run in states.chunk_by(|one, other| one == other) {
        if run.first() == Some(&Some(state)) {
            path.push_str(&format!("M{at} 0h{}", run.len()));
        }
        at += run.len();
    }
    path
}

/// `250` as `2.50`.
fn hundredths(number: usize) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}
