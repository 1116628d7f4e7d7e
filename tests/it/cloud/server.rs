//! Connections: a request comes in, is answered, recorded, held back and sent, or fails as it should.

use std::fmt;
use std::future::{self, Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

use super::ask::{Ask, Request};
use super::faults::{Fate, Faults};
use super::rules::Fault;
use super::state::State;
use super::{cloudtrail, s3};

/// What all connections share.
pub struct Server {
    /// What is held.
    pub state: RwLock<State>,
    /// What goes wrong.
    pub faults: RwLock<Arc<Faults>>,
    /// How many requests have come since the faults were set.
    pub number: AtomicU64,
    /// What has been asked.
    pub asked: Mutex<Vec<Request>>,
    /// Whether that is remembered.
    pub remember: AtomicBool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            state: RwLock::default(),
            faults: RwLock::default(),
            number: AtomicU64::new(0),
            asked: Mutex::default(),
            remember: AtomicBool::new(true),
        }
    }
}

/// Serves every connection until the runtime ends.
pub async fn accept(server: Arc<Server>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(Arc::clone(&server), stream));
    }
}

async fn serve(server: Arc<Server>, stream: TcpStream) {
    // Failing to set an option costs some latency and nothing else.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| Box::pin(respond(Arc::clone(&server), Arc::clone(&reset), request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Clients hang up when they like, and cut bodies end in errors on purpose.
    let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::SeqCst) {
        // Closing then sends RST in place of FIN.
        let _ = stream.set_zero_linger();
    }
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("left unanswered on purpose")
    }
}

impl std::error::Error for Unanswered {}

async fn respond(
    server: Arc<Server>,
    reset: Arc<AtomicBool>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Reply>, Unanswered> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Unanswered)?.to_bytes();
    let number = server.number.fetch_add(1, Ordering::SeqCst);
    let faults = Arc::clone(&server.faults.read().unwrap());
    let ask = Ask::new(number, parts, body);
    let request = record(&ask);
    let struck = faults.strike(&request);
    let response = server.answer(&faults, &ask, request, &struck);
    let wait = faults.wait(number) + struck.iter().map(waits).sum::<Duration>();
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    match response {
        Ok(response) => Ok(response),
        Err(Fate::Hung) => future::pending().await,
        Err(fate) => {
            reset.store(fate == Fate::Reset, Ordering::SeqCst);
            Err(Unanswered)
        }
    }
}

/// What is remembered of a request.
fn record(ask: &Ask) -> Request {
    if cloudtrail::is_meant(ask) { cloudtrail::record(ask) } else { s3::record(ask) }
}

fn waits(fault: &Fault) -> Duration {
    if let Fault::Wait(wait) = fault { *wait } else { Duration::ZERO }
}

/// What becomes of a request that is struck in this way, where that is no whole answer.
fn fate(fault: &Fault) -> Option<Fate> {
    match fault {
        Fault::Refuse(status, code) => Some(Fate::Refused(*status, code)),
        Fault::Reset => Some(Fate::Reset),
        Fault::Hang => Some(Fate::Hung),
        _ => None,
    }
}

/// S3 and CloudTrail refuse what is signed for another time than their own.
fn fate_by_clock(ask: &Ask, ahead: i64) -> Option<Fate> {
    let signed_for = ask.header("x-amz-date").filter(|_| ahead != 0)?;
    let signed_for = civil::DateTime::strptime("%Y%m%dT%H%M%SZ", signed_for).unwrap();
    let signed_for = signed_for.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second();
    let is_off = (signed_for - Timestamp::now().as_second() - ahead).abs() > 900;
    is_off.then_some(Fate::Refused(403, "RequestTimeTooSkewed"))
}

impl Server {
    /// The answer, or what comes in place of one. No waiting is done here, so locks may be held.
    fn answer(
        &self,
        faults: &Faults,
        ask: &Ask,
        request: Request,
        struck: &[Fault],
    ) -> Result<Response<Reply>, Fate> {
        let by_clock = || fate_by_clock(ask, faults.clock_ahead);
        let fate = struck.iter().find_map(fate).or_else(by_clock).unwrap_or(faults.fate(ask.number));
        let response = if cloudtrail::is_meant(ask) {
            self.ask_cloudtrail(faults, ask, fate)
        } else {
            self.ask_s3(faults, ask, fate)
        };
        self.remember(request, response.as_ref().map_or(0, |response| response.status().as_u16()));
        response.map(|response| reply(faults, ask, struck, response))
    }

    fn ask_cloudtrail(&self, faults: &Faults, ask: &Ask, fate: Fate) -> Result<Response<Bytes>, Fate> {
        match fate {
            Fate::Answered => Ok(cloudtrail::answer(&self.state.read().unwrap(), faults, ask)),
            failed => cloudtrail::failure(failed).ok_or(failed),
        }
    }

    fn ask_s3(&self, faults: &Faults, ask: &Ask, fate: Fate) -> Result<Response<Bytes>, Fate> {
        match fate {
            Fate::Answered => Ok(s3::answer(&self.state, faults, ask)),
            failed => s3::failure(failed).ok_or(failed),
        }
    }

    fn remember(&self, request: Request, status: u16) {
        if self.remember.load(Ordering::SeqCst) {
            self.asked.lock().unwrap().push(Request { status, ..request });
        }
    }
}

/// The response with its body, or with what becomes of it.
fn reply(faults: &Faults, ask: &Ask, struck: &[Fault], response: Response<Bytes>) -> Response<Reply> {
    let (mut parts, body) = response.into_parts();
    if faults.clock_ahead != 0 {
        let time = Timestamp::now() + SignedDuration::from_secs(faults.clock_ahead);
        parts.headers.insert(DATE, time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().parse().unwrap());
    }
    if ask.method == Method::HEAD {
        return Response::from_parts(parts, Reply::whole(Bytes::new()));
    }
    let cut = ask.method == Method::GET && body.len() > 1 && faults.truncates(ask.number);
    let mut reply = Reply::whole(body);
    for fault in struck.iter().chain(cut.then_some(&Fault::Cut)) {
        reply.strike(fault, &mut parts.headers);
    }
    Response::from_parts(parts, reply)
}

/// A body in one piece, which may end in a failure, or in very many.
struct Reply {
    data: Option<Bytes>,
    then: Then,
    drip: Option<(Duration, Pin<Box<Sleep>>)>,
}

/// What follows the data.
#[derive(Clone, Copy)]
enum Then {
    End,
    /// What was sent goes out first, lest the failure swallow it.
    Flush,
    Fail,
    /// More and more of it.
    More,
}

/// What is sent without end.
static MORE: [u8; 64 << 10] = [b' '; 64 << 10];

impl Reply {
    fn whole(body: Bytes) -> Self {
        Self { data: Some(body).filter(|body| !body.is_empty()), then: Then::End, drip: None }
    }

    fn strike(&mut self, fault: &Fault, headers: &mut HeaderMap) {
        if let Fault::Header(name, value) = fault {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let Some(data) = &mut self.data else { return };
        let length = data.len();
        match fault {
            Fault::Cut | Fault::Longer => {
                let extra = if *fault == Fault::Longer { 10 } else { 0 };
                headers.insert(CONTENT_LENGTH, (length + extra).into());
                data.truncate(if *fault == Fault::Longer { length } else { length / 2 });
                self.then = Then::Flush;
            }
            Fault::Shorter => {
                headers.insert(CONTENT_LENGTH, (length / 2).into());
                data.truncate(length / 2);
            }
            Fault::Flip => {
                let mut bytes = data.to_vec();
                bytes[length / 2] ^= 1;
                *data = bytes.into();
            }
            Fault::Drip(pause) => {
                headers.insert(CONTENT_LENGTH, length.into());
                self.drip = Some((*pause, Box::pin(sleep(*pause))));
            }
            Fault::Endless => {
                headers.remove(CONTENT_LENGTH);
                self.then = Then::More;
            }
            Fault::Wait(_) | Fault::Refuse(..) | Fault::Reset | Fault::Hang | Fault::Header(..) => {}
        }
    }

    /// The next byte, where they come one at a time.
    fn next_drop(&mut self, context: &mut Context<'_>) -> Option<Poll<Bytes>> {
        let (pause, sleeping) = self.drip.as_mut()?;
        let data = self.data.as_mut()?;
        if sleeping.as_mut().poll(context).is_pending() {
            return Some(Poll::Pending);
        }
        *sleeping = Box::pin(sleep(*pause));
        let first = data.split_to(1);
        self.data = self.data.take().filter(|rest| !rest.is_empty());
        Some(Poll::Ready(first))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(drop) = self.next_drop(context) {
            return drop.map(|drop| Some(Ok(Frame::data(drop))));
        }
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.then {
            Then::End => Poll::Ready(None),
            Then::Flush => {
                self.then = Then::Fail;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Then::Fail => Poll::Ready(Some(Err(io::Error::other("cut on purpose")))),
            Then::More => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&MORE))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && matches!(self.then, Then::End)
    }

    fn size_hint(&self) -> SizeHint {
        match self.then {
            Then::End => SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64)),
            Then::Flush | Then::Fail | Then::More => SizeHint::default(),
        }
    }
}
