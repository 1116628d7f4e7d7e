//! The heat map: a row for each chain, a cell for each hour or day, drawn without a script.
//!
//! A run of cells in one state is one step of a path, so that a year of 200 chains stays small. States differ in
//! height as well as in colour.

use maud::{Markup, html};

use super::shown::Shown;
use super::time::{self, Axis};
use crate::event::{ChainSummary, TimeState};
use crate::report::text::layout::fit;

/// Chains that are drawn; of more, those are left out of which everything is proved.
const MOST_ROWS: usize = 1_000;

/// Up to so many rows are each named beside the map.
const NAMED_ROWS: usize = 40;

/// Width of the map, and of the names beside it, in its units: of chains, or of accounts alone.
const WIDTH: usize = 1_030;
const CHAINS: usize = 290;
const ACCOUNTS: usize = 100;

/// The map of all chains that have a timeline.
pub(super) fn map(chains: &[&ChainSummary]) -> Markup {
    let (rows, left_out) = rows(chains);
    let timelines = rows.iter().filter_map(|(_, chain)| chain.timeline.as_ref());
    let Some(whole) = time::whole(timelines) else {
        return html! { p { "There is no time of any chain to draw." } };
    };
    let map = Map::new(Axis::over(whole), rows.len());
    let height = map.top + map.pitch * rows.len() + 4;
    let end = map.axis.moment(map.axis.cells);
    html! {
        p.axis {
            "Each cell is " (map.axis.cell_words()) " and shows the gravest state in it, from "
            (map.axis.moment(0)) " to " (end) " (UTC). A digest is drawn in the hour that it begins in."
        }
        @if left_out > 0 { p { (left_out) " more chains are not drawn: everything of them is proved." } }
        div.wide {
            svg.map viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby="map-title map-about"
                data-cell=(map.axis.cell) data-cells=(map.axis.cells) {
                title id="map-title" { "Coverage by chain and time" }
                desc id="map-about" { "The tables of coverage below have the same in numbers." }
                (map.axis())
                @for (row, (index, chain)) in rows.iter().enumerate() { (map.row(row, *index, chain)) }
                @if rows.len() > NAMED_ROWS { (map.accounts(&rows)) }
            }
        }
    }
}

type Row<'a> = (usize, &'a ChainSummary);

/// The chains to draw with their numbers, and how many are left out.
fn rows<'a>(chains: &[&'a ChainSummary]) -> (Vec<Row<'a>>, usize) {
    let drawn: Vec<Row<'_>> =
        chains.iter().copied().enumerate().filter(|(_, chain)| chain.timeline.is_some()).collect();
    let spare = drawn.len().saturating_sub(MOST_ROWS);
    let mut left_out = 0;
    let is_kept = |row: &Row<'_>| {
        let leave = left_out < spare && !is_troubled(row.1);
        left_out += usize::from(leave);
        !leave
    };
    let kept = drawn.into_iter().filter(is_kept).take(2 * MOST_ROWS).collect();
    (kept, left_out)
}

/// Whether any of a chain's time is not proved.
pub(super) fn is_troubled(chain: &ChainSummary) -> bool {
    let troubles = [TimeState::Gap, TimeState::Unverified, TimeState::Tampered];
    chain.gaps > 0
        || chain
            .timeline
            .as_ref()
            .is_none_or(|timeline| troubles.iter().any(|state| timeline.seconds(*state) > 0))
}

struct Map {
    axis: Axis,
    /// Distance of rows, and of cells in hundredths.
    pitch: usize,
    cell: usize,
    top: usize,
    left: usize,
}

impl Map {
    fn new(axis: Axis, rows: usize) -> Self {
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
                title { (Shown(&name)) }
                @if self.left == CHAINS {
                    text.name x="0" y=(middle + 4) { (Shown(&fit(&name, 46))) }
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

    /// Where rows have no room for their names: the accounts, each at its first row.
    fn accounts(&self, rows: &[Row<'_>]) -> Markup {
        let mut free = 0;
        let mut names = Vec::new();
        let mut last = None;
        for (row, (_, chain)) in rows.iter().enumerate() {
            let y = self.top + row * self.pitch + self.pitch;
            if last != Some(&chain.id.account) && y >= free {
                names.push((y, &chain.id.account));
                free = y + 13;
            }
            last = Some(&chain.id.account);
        }
        html! {
            @for (y, account) in names { text.name x="0" y=(y + 4) { (Shown(&fit(account, 14))) } }
        }
    }
}

/// A chain's name for people.
pub(super) fn name(chain: &ChainSummary) -> String {
    let organization = chain.id.organization.as_deref();
    organization.map_or_else(|| chain.id.to_string(), |organization| format!("{} {organization}", chain.id))
}

/// The class of a state's cells. Where these are narrow, tampering is drawn wider than it is, since it must be seen, and
/// dashes would only dim what is unverified.
fn class(state: TimeState, cell: usize) -> String {
    let form = match state {
        TimeState::Tampered if cell < 600 => " narrow",
        TimeState::Unverified if cell < 600 => " solid",
        _ => "",
    };
    format!("{}{form}", state.letter())
}

/// A step for each run of cells in `state`.
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
