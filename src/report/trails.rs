//! The list of the account's trails, as text and as JSON (`trailproof/trails/1`).
//!
//! The JSON is an object: `schema`, `version`, `trails[]` with `arn`, `name`, `home_region`, `bucket`, `prefix`
//! (string, empty or with a slash at the end), `multi_region`, `organization`, `validation`, `provable` (booleans),
//! `logging` (boolean, or null if CloudTrail does not report the state), `last_delivery`, `last_digest_delivery`
//! (moment in UTC or null), `last_delivery_error`, `last_digest_delivery_error` (S3's code or null), `obstacles[]` with
//! `message` and `remedy`; and `notes[]`, the reasons why the list may be incomplete. Fields may be added, but are
//! never changed.

use std::fmt::Write as _;

use serde::Serialize;

use super::escape::for_terminal;
use super::json::document;
use crate::time::Timestamp;
use crate::trails::{Status, Trail};

#[derive(Serialize)]
struct WireTrails<'a> {
    schema: &'static str,
    version: &'static str,
    trails: Vec<WireTrail<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct WireTrail<'a> {
    arn: String,
    name: &'a str,
    home_region: &'a str,
    bucket: &'a str,
    prefix: &'a str,
    multi_region: bool,
    organization: bool,
    validation: bool,
    logging: Option<bool>,
    last_delivery: Option<Timestamp>,
    last_delivery_error: Option<&'a str>,
    last_digest_delivery: Option<Timestamp>,
    last_digest_delivery_error: Option<&'a str>,
    provable: bool,
    obstacles: Vec<WireObstacle>,
}

#[derive(Serialize)]
struct WireObstacle {
    message: String,
    remedy: String,
}

/// The trails as JSON, with a newline at the end.
#[must_use]
pub fn json(trails: &[Trail], notes: &[String], now: Timestamp) -> String {
    let wire = WireTrails {
        schema: "trailproof/trails/1",
        version: env!("CARGO_PKG_VERSION"),
        trails: trails.iter().map(|trail| wire(trail, now)).collect(),
        notes,
    };
    document(&wire)
}

fn wire(trail: &Trail, now: Timestamp) -> WireTrail<'_> {
    let status = trail.status.as_ref().ok();
    let obstacles = trail.obstacles(now);
    WireTrail {
        arn: trail.arn.to_string(),
        name: &trail.arn.name,
        home_region: &trail.arn.region,
        bucket: &trail.bucket,
        prefix: &trail.prefix,
        multi_region: trail.multi_region,
        organization: trail.organization,
        validation: trail.validation,
        logging: status.map(|status| status.logging),
        last_delivery: status.and_then(|status| status.delivered),
        last_delivery_error: status.and_then(|status| status.delivery_error.as_deref()),
        last_digest_delivery: status.and_then(|status| status.digest_delivered),
        last_digest_delivery_error: status.and_then(|status| status.digest_error.as_deref()),
        provable: obstacles.is_empty(),
        obstacles: obstacles
            .iter()
            .map(|obstacle| WireObstacle { message: obstacle.message(), remedy: obstacle.remedy(&trail.arn) })
            .collect(),
    }
}

/// The trails for people, safe to print on a terminal.
#[must_use]
pub fn text(trails: &[Trail], notes: &[String], now: Timestamp) -> String {
    let mut text = String::new();
    let well = trails.iter().filter(|trail| trail.obstacles(now).is_empty()).count();
    // Writing to a string does not fail.
    let _ = match trails.len() {
        0 if !notes.is_empty() => writeln!(text, "no trail found"),
        0 => writeln!(text, "no trail: only CloudTrail's event history of 90 days is recorded"),
        1 if well == 1 => writeln!(text, "1 trail, which can be validated"),
        number if well == number => writeln!(text, "{number} trails, all of which can be validated"),
        number => writeln!(text, "{well} of {number} trails can be validated"),
    };
    for trail in trails {
        one(&mut text, trail, now);
    }
    for note in notes {
        let _ = writeln!(text, "\nnote: {}", for_terminal(note));
    }
    text
}

fn one(text: &mut String, trail: &Trail, now: Timestamp) {
    let obstacles = trail.obstacles(now);
    let word = if obstacles.is_empty() { "can be validated" } else { "cannot be validated" };
    let scope = match (trail.multi_region, trail.organization) {
        (true, true) => "all regions, all accounts of the organization",
        (true, false) => "all regions",
        (false, true) => "home region only, all accounts of the organization",
        (false, false) => "home region only",
    };
    let place = format!("s3://{}/{}", trail.bucket, trail.prefix);
    let _ = writeln!(text, "\n{}: {word}", for_terminal(&trail.arn.to_string()));
    let _ = writeln!(text, "  delivers to  {}", for_terminal(&place));
    let _ = writeln!(text, "  records      {scope}");
    let _ = writeln!(text, "  validation   {}", on_or_off(trail.validation));
    if let Ok(status) = &trail.status {
        now_and_then(text, status);
    }
    for obstacle in obstacles {
        let _ = writeln!(text, "  problem: {}", for_terminal(&obstacle.message()));
        let _ = writeln!(text, "    hint: {}", for_terminal(&obstacle.remedy(&trail.arn)));
    }
}

fn now_and_then(text: &mut String, status: &Status) {
    let when = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let _ = writeln!(text, "  logging      {}", on_or_off(status.logging));
    let _ = writeln!(text, "  last logs    {}", when(status.delivered));
    let _ = writeln!(text, "  last digest  {}", when(status.digest_delivered));
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
