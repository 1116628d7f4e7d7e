//! `--ping URL`: tells a monitor of jobs that the run started and how it ended, in the form of healthchecks.io.
//!
//! Source: healthchecks.io, "Pinging API": `URL/start`, and `URL/EXITCODE` with up to 100 KB of text.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::telling::RunOutcome;
use super::{Failure, say};
use crate::aws::web::{self, NoAnswer};

/// Longest time for one try.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits before the second and the third try.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The pings of a run.
pub(super) struct Ping {
    target: PingUrl,
    /// Result of the ping at the start.
    started: Receiver<Result<(), String>>,
}

impl Ping {
    /// Sends the ping of the start, on another thread: a monitor that does not answer must not delay the run.
    ///
    /// # Errors
    /// The URL is not valid. The message does not show the URL, which may contain a password.
    pub(super) fn start(url: Option<&str>) -> Result<Option<Self>, Failure> {
        let Some(url) = url else { return Ok(None) };
        let target = PingUrl::parse(url).ok_or_else(|| {
            Failure::new(
                "`--ping`: not a valid `http://` or `https://` URL",
                "for example `--ping https://hc-ping.com/UUID`",
            )
        })?;
        let (sender, started) = mpsc::channel();
        let to = target.clone();
        // Without a thread, `finish` finds that nothing was sent.
        let _ =
            thread::Builder::new().name("ping".to_owned()).spawn(move || sender.send(to.tell("start", "")));
        Ok(Some(Self { target, started }))
    }

    /// Sends the ping of the end, after the ping of the start.
    pub(super) fn finish(self, outcome: &RunOutcome) {
        let started = self.started.recv().unwrap_or_else(|_| Err("cannot start a thread".to_owned()));
        let ended = self.target.tell(&outcome.exit.to_string(), &outcome.summary);
        if let Some(problem) = problem(started, ended) {
            say(&format!("warning: {problem}"));
        }
    }
}

/// The failures of both pings in one line.
fn problem(started: Result<(), String>, ended: Result<(), String>) -> Option<String> {
    match (started, ended) {
        (Ok(()), Ok(())) => None,
        (Err(why), Ok(())) => Some(format!("the ping of the start failed: {why}")),
        (Ok(()), Err(why)) => Some(format!("the ping of the end failed: {why}")),
        (Err(first), Err(second)) if first == second => {
            Some(format!("the pings of the start and the end failed: {first}"))
        }
        (Err(first), Err(second)) => {
            Some(format!("the ping of the start failed: {first}; the ping of the end failed: {second}"))
        }
    }
}

/// A URL to ping.
#[derive(Clone, PartialEq, Eq, Debug)]
struct PingUrl {
    /// Scheme, host and port. Only this part is ever printed: the rest is often a secret.
    endpoint: String,
    /// Path, without a slash at the end.
    path: String,
    /// Query with its question mark, or empty.
    query: String,
    /// Value of the header `authorization`, from the user and password in the URL.
    authorization: Option<String>,
}

impl PingUrl {
    /// Parses a URL; `None` for a URL that is not valid.
    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
        // A fragment is for browsers.
        let rest = rest.split('#').next()?;
        let (rest, query) = rest.split_at_checked(rest.find('?').unwrap_or(rest.len()))?;
        let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let target = Self {
            endpoint: format!("{scheme}://{host}"),
            path: path.trim_end_matches('/').to_owned(),
            query: query.to_owned(),
            authorization: user.map(basic),
        };
        (is_host(host) && web::is_valid_url(&target.at("start"))).then_some(target)
    }

    /// The URL of a message.
    fn at(&self, message: &str) -> String {
        format!("{}{}/{message}{}", self.endpoint, self.path, self.query)
    }

    /// Sends a message, in several tries if the server cannot be reached or has an error of its own.
    fn tell(&self, message: &str, body: &str) -> Result<(), String> {
        let mut waits = WAITS.into_iter();
        loop {
            let answer = web::post(&self.at(message), self.authorization.as_deref(), body, TIMEOUT);
            let (why, is_passing) = match answer {
                Ok(200..300) => return Ok(()),
                Ok(status) => (format!("`{}` answered HTTP {status}", self.endpoint), status >= 500),
                Err(NoAnswer { why, is_passing }) => (why, is_passing),
            };
            match waits.next() {
                Some(wait) if is_passing => thread::sleep(wait),
                _ => return Err(why),
            }
        }
    }
}

/// Whether a text is a host with an optional port.
fn is_host(text: &str) -> bool {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let (host, port) = port.map_or((text, None), |(host, port)| (host, Some(port)));
    !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// HTTP's basic authentication (RFC 7617) with a URL's `USER[:PASSWORD]`, which may be percent-encoded.
fn basic(user_and_password: &str) -> String {
    let (user, password) = user_and_password.split_once(':').unwrap_or((user_and_password, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    format!("Basic {}", STANDARD.encode(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_behind_the_path() {
        for (url, start) in [
            ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/start"),
            ("HTTPS://hc-ping.com/key/slug/?create=1#x", "https://hc-ping.com/key/slug/start?create=1"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/start"),
            ("http://[::1]:8000/a", "http://[::1]:8000/a/start"),
            ("http://[::1]/a", "http://[::1]/a/start"),
            ("http://host?a=/b@c", "http://host/start?a=/b@c"),
        ] {
            let target = PingUrl::parse(url).unwrap();
            assert_eq!((target.at("start").as_str(), target.authorization), (start, None), "{url}");
        }
    }

    #[test]
    fn users_and_passwords_go_into_a_header() {
        for (url, plain) in
            [("http://me:p%40ss@h/x", "me:p@ss"), ("http://me@h/x", "me:"), ("http://a:b:c@d@h/x", "a:b:c@d")]
        {
            let target = PingUrl::parse(url).unwrap();
            assert_eq!(target.at("0"), "http://h/x/0", "{url}");
            assert_eq!(target.authorization.unwrap(), format!("Basic {}", STANDARD.encode(plain)), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "hc-ping.com/uuid",
            "ftp://host/x",
            "http:/host",
            "http://",
            "http:///x",
            "http://:80/x",
            "http://h:0/x",
            "http://h:65536/x",
            "http://h:x/x",
            "http://h o/x",
            "http://h/a b",
            "http://h/\u{1b}[2J",
            "http://é/x",
            "http://me:secret@/x",
            "http://[::1/x",
        ] {
            assert_eq!(PingUrl::parse(url), None, "{url}");
        }
    }
}
