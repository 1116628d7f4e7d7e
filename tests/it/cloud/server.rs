//! Connections: a request comes in, is answered, recorded, held back and sent, or fails as it should.

use std::fmt;
use std::future::{self, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::ask::{Ask, Request};
use super::faults::{Fate, Faults};
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
    let response = server.answer(&faults, &ask);
    let wait = faults.wait(number);
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

impl Server {
    /// The answer, or what comes in place of one. No waiting is done here, so locks may be held.
    fn answer(&self, faults: &Faults, ask: &Ask) -> Result<Response<Reply>, Fate> {
        let fate = faults.fate(ask.number);
        let (request, response) = if cloudtrail::is_meant(ask) {
            (cloudtrail::record(ask), self.ask_cloudtrail(faults, ask, fate))
        } else {
            (s3::record(ask), self.ask_s3(faults, ask, fate))
        };
        self.remember(request, response.as_ref().map_or(0, |response| response.status().as_u16()));
        response.map(|response| reply(faults, ask, response))
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

/// The response with its body, or with a part of it.
fn reply(faults: &Faults, ask: &Ask, response: Response<Bytes>) -> Response<Reply> {
    let (mut parts, body) = response.into_parts();
    if ask.method == Method::HEAD {
        return Response::from_parts(parts, Reply::whole(Bytes::new()));
    }
    let cut = ask.method == Method::GET && body.len() > 1 && faults.truncates(ask.number);
    if !cut {
        return Response::from_parts(parts, Reply::whole(body));
    }
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let first = body.slice(..body.len() / 2);
    Response::from_parts(parts, Reply { data: Some(first), then: Then::Flush })
}

/// A body in one piece, which may end in a failure.
struct Reply {
    data: Option<Bytes>,
    then: Then,
}

/// What follows the data.
#[derive(Clone, Copy)]
enum Then {
    End,
    /// What was sent goes out first, lest the failure swallow it.
    Flush,
    Fail,
}

impl Reply {
    fn whole(body: Bytes) -> Self {
        Self { data: Some(body).filter(|body| !body.is_empty()), then: Then::End }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
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
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && matches!(self.then, Then::End)
    }

    fn size_hint(&self) -> SizeHint {
        match self.then {
            Then::End => SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64)),
            Then::Flush | Then::Fail => SizeHint::default(),
        }
    }
}
