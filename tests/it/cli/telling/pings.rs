//! Pings, and a small HTTP server that answers them as it was told.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::case::{Case, Done, trailproof};

/// How the server answers a request.
#[derive(Clone, Debug)]
enum Answer {
    Status(u16),
    /// Bytes that are not HTTP.
    Garbage,
    /// A status line and header fields without an end.
    Endless,
    /// Nothing; the connection stays open.
    Silence,
    /// Nothing; the connection is closed.
    Close,
}

/// A request that the server received.
#[derive(Clone, Debug)]
struct Received {
    /// Method and path.
    line: String,
    /// Lines of the header, as the program's HTTP client writes them.
    headers: Vec<String>,
    body: String,
}

struct Monitor {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Monitor {
    /// Starts a server that gives these answers in turn, the last answer from then on.
    fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::default();
        let (all, mut answers) = (Arc::clone(&received), answers.to_vec());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                let all = Arc::clone(&all);
                thread::spawn(move || serve(connection.unwrap(), &answer, &all));
            }
        });
        Self { port, received }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.received().into_iter().map(|request| request.line).collect()
    }

    /// Method and path of a ping.
    fn ping(&self, case: &Case, more: &[&str]) -> Done {
        let output = command(case, &[&["-q", "--ping", &self.url("/uuid")], more].concat()).output();
        output.unwrap().into()
    }
}

/// `validate` without the proxies of the machine that runs the tests.
fn command(case: &Case, more: &[&str]) -> Command {
    let mut command = case.command(more);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

fn serve(mut connection: TcpStream, answer: &Answer, all: &Mutex<Vec<Received>>) {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.lines().map(str::to_owned);
    let line = lines.next().unwrap();
    let headers: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let length = headers
        .iter()
        .find_map(|header| header.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body).unwrap();
    let line = line.strip_suffix(" HTTP/1.1").unwrap().to_owned();
    all.lock().unwrap().push(Received { line, headers, body: String::from_utf8(body).unwrap() });
    let _ = match answer {
        Answer::Status(status) => {
            connection.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes())
        }
        Answer::Garbage => connection.write_all(b"\x00\x1b[2J garbage\r\n\r\n"),
        Answer::Endless => {
            let mut sent = connection.write_all(b"HTTP/1.1 200 OK\r\n");
            while sent.is_ok() {
                thread::sleep(Duration::from_millis(100));
                sent = connection.write_all(b"X: y\r\n");
            }
            sent
        }
        Answer::Silence => connection.read(&mut byte).map(drop),
        Answer::Close => Ok(()),
    };
}

#[test]
fn the_start_and_the_exit_code_are_told() {
    for (tampers, code, verdict) in [
        (&[][..], 0, "intact: "),
        (&["log-modified"][..], 1, "tampered: "),
        (&["log-unreferenced"], 3, "incomplete: "),
    ] {
        let (case, monitor) = (Case::make(tampers), Monitor::start(&[Answer::Status(200)]));
        let done = monitor.ping(&case, &[]);
        done.assert_verdict(code, verdict);
        assert_eq!(monitor.lines(), ["POST /uuid/start".to_owned(), format!("POST /uuid/{code}")]);
        let received = monitor.received();
        assert_eq!((received[0].body.as_str(), received[1].body.as_str()), ("", done.stdout.trim_end()));
        for request in received {
            let length = format!("content-length: {}", request.body.len());
            let lengths = request.headers.iter().filter(|header| header.starts_with("content-length"));
            assert_eq!(lengths.collect::<Vec<_>>(), [&length]);
        }
    }
}

#[test]
fn a_run_that_cannot_begin_is_told() {
    let (case, monitor) = (Case::make(&[]), Monitor::start(&[Answer::Status(204)]));
    monitor.ping(&case, &["--format", "xml"]).assert_cannot("unknown report format");
    assert_eq!(monitor.lines(), ["POST /uuid/start", "POST /uuid/2"]);
    let body = monitor.received()[1].body.clone();
    assert!(body.starts_with("error: unknown report format"), "{body}");
}

#[test]
fn errors_of_the_server_and_lost_connections_are_tried_again() {
    let case = Case::make(&["log-modified"]);
    let passing = [Answer::Status(500), Answer::Status(503), Answer::Close];
    for first in passing {
        let monitor = Monitor::start(&[first.clone(), Answer::Status(200)]);
        monitor.ping(&case, &[]).assert_verdict(1, "tampered");
        assert_eq!(monitor.lines(), ["POST /uuid/start", "POST /uuid/start", "POST /uuid/1"], "{first:?}");
    }
    let monitor = Monitor::start(&[Answer::Status(200), Answer::Status(502)]);
    let done = monitor.ping(&case, &[]);
    assert_eq!((done.code, monitor.lines().len()), (Some(1), 1 + 3));
    let said = format!("warning: the ping of the end failed: `{}` answered HTTP 502\n", monitor.url(""));
    assert_eq!(done.stderr, said);
}

#[test]
fn other_answers_are_not_told() {
    let case = Case::make(&[]);
    for answer in [
        Answer::Status(404),
        Answer::Status(301),
        Answer::Status(304),
        Answer::Status(400),
        Answer::Status(429),
        Answer::Garbage,
    ] {
        let monitor = Monitor::start(std::slice::from_ref(&answer));
        let done = monitor.ping(&case, &[]);
        assert_eq!((done.code, done.stderr.lines().count()), (Some(0), 1), "{answer:?}: {}", done.stderr);
        let said = format!("warning: the pings of the start and the end failed: `{}` ", monitor.url(""));
        assert!(done.stderr.starts_with(&said), "{answer:?}: {}", done.stderr);
        assert!(
            !done.stderr.contains('\u{1b}') && !done.stderr.contains("uuid"),
            "{answer:?}: {}",
            done.stderr
        );
        assert_eq!(monitor.lines(), ["POST /uuid/start", "POST /uuid/0"], "{answer:?}");
    }
}

#[test]
fn nobody_who_listens_is_said() {
    let case = Case::make(&["log-modified"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let done: Done =
        command(&case, &["-q", "--ping", &format!("http://{free}/uuid")]).output().unwrap().into();
    assert_eq!(done.code, Some(1));
    let said = format!(
        "warning: the pings of the start and the end failed: `http://{free}` did not answer: connection refused\n"
    );
    assert_eq!(done.stderr, said);
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let case = Case::make(&[]);
    let runs: Vec<_> = [Answer::Silence, Answer::Endless]
        .into_iter()
        .map(|hanging| {
            let monitor = Monitor::start(&[hanging, Answer::Status(200)]);
            let mut command = command(&case, &["-q", "--ping", &monitor.url("/uuid")]);
            (monitor, thread::spawn(move || Done::from(command.output().unwrap())))
        })
        .collect();
    let begun = Instant::now();
    for (monitor, run) in runs {
        run.join().unwrap().assert_verdict(0, "intact");
        assert_eq!(monitor.lines(), ["POST /uuid/start", "POST /uuid/start", "POST /uuid/0"]);
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn the_password_is_sent_and_never_shown() {
    let (case, monitor) = (Case::make(&[]), Monitor::start(&[Answer::Status(401)]));
    let url = monitor.url("/uuid").replace("://", "://me:hush%21@");
    let report = format!("json={}", case.text("run.json"));
    let output = command(&case, &["-v", "--ping", &url, "--report", &report]).output().unwrap();
    let done = Done::from(output);
    assert_eq!(done.code, Some(0));
    let saved = std::fs::read_to_string(case.path("run.json")).unwrap();
    for text in [&done.stdout, &done.stderr, &saved] {
        assert!(!text.contains("hush") && !text.contains("me:") && !text.contains("uuid"), "{text}");
    }
    let headers = &monitor.received()[0].headers;
    // `me:hush!` in base64.
    assert!(headers.iter().any(|header| header == "authorization: Basic bWU6aHVzaCE="), "{headers:?}");
}

#[test]
fn a_url_that_is_none_is_refused_and_a_hook_told() {
    let case = Case::make(&[]);
    for url in
        ["", "hc-ping.com/uuid", "ftp://me:hush@h/x", "http://me:hush@/x", "http://me:hush@h:x/", "file:///x"]
    {
        let hook = format!("echo \"$TRAILPROOF_EXIT\" > '{}'", case.text("told"));
        let done = case.validate(&["--ping", url, "--hook", &hook]);
        done.assert_cannot("`--ping`");
        assert!(!done.stderr.contains("hush"), "{}", done.stderr);
        assert_eq!(std::fs::read_to_string(case.path("told")).unwrap(), "2\n", "{url}");
        std::fs::remove_file(case.path("told")).unwrap();
    }
    let done = case.validate(&["--ping", "http://h/x", "--dry-run"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(trailproof(&["validate", "--help"]).stdout.contains("--ping"));
}

#[test]
fn a_proxy_is_used() {
    let (case, proxy) = (Case::make(&[]), Monitor::start(&[Answer::Status(200)]));
    let mut command = command(&case, &["-q", "--ping", "http://monitor.invalid/uuid"]);
    let done: Done = command.env("HTTP_PROXY", proxy.url("")).output().unwrap().into();
    done.assert_verdict(0, "intact");
    let expected = ["POST http://monitor.invalid/uuid/start", "POST http://monitor.invalid/uuid/0"];
    assert_eq!(proxy.lines(), expected);
}
