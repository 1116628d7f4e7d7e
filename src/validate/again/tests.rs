use std::sync::Mutex;

use super::*;
use crate::event::BodyFault;
use crate::store::{Encoding, Listing, Metadata, ObjectFacts, Version};

/// Gives these answers in turn, and the last one from then on.
struct Turns(Mutex<Vec<Result<Vec<u8>, StoreError>>>);

impl Store for Turns {
    fn list<'a>(&'a self, _: &str, _: &str, _: Option<&str>) -> Listing<'a> {
        Box::new(std::iter::empty())
    }
    fn list_dirs(&self, _: &str, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
    fn get(&self, _: &Location) -> Result<Object, StoreError> {
        let mut turns = self.0.lock().unwrap();
        let turn = if turns.len() > 1 { turns.remove(0) } else { turns[0].clone() };
        let metadata = Metadata::from([("signature".to_owned(), "00".to_owned())]);
        let body = Box::new(io::BufReader::new(io::Cursor::new(turn?)));
        Ok(Object { body, encoding: Encoding::Gzip, metadata, hashed: None, facts: ObjectFacts::default() })
    }
    fn versions(&self, _: &Location) -> Result<Vec<Version>, StoreError> {
        Ok(Vec::new())
    }
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, content).unwrap();
    encoder.finish().unwrap()
}

/// What comes of looking again at what showed `seen` before, and how many further answers are left.
fn looked(seen: &SeenBody, turns: Vec<Result<Vec<u8>, StoreError>>) -> (String, usize) {
    let store = Turns(Mutex::new(turns));
    let said = match read_again(&store, &Location::new("b", "k"), seen, 1 << 20) {
        SecondRead::Same { signature, stored: None } => format!("same {}", signature.unwrap()),
        SecondRead::Same { stored: Some(stored), .. } => format!("same bytes {stored}"),
        SecondRead::Gone => "gone".to_owned(),
        SecondRead::Different => "other".to_owned(),
        SecondRead::Unsure(why) => why,
    };
    let left = store.0.lock().unwrap().len();
    (said, left)
}

#[test]
fn content_is_read_once_more_and_compared() {
    let seen = Ok(Sha256Hash::of(b"[]"));
    let spare = || Ok(b"spare".to_vec());
    assert_eq!(looked(&seen, vec![Ok(gz(b"[]")), spare()]), ("same 00".to_owned(), 1));
    assert_eq!(looked(&seen, vec![Ok(gz(b"{}")), spare()]), ("other".to_owned(), 1));
    assert_eq!(looked(&seen, vec![Err(StoreError::NotFound), spare()]), ("gone".to_owned(), 1));
    let (said, _) = looked(&seen, vec![Err(StoreError::Denied("no".to_owned())), spare()]);
    assert_eq!(said, "access denied: no");
    let (said, _) = looked(&seen, vec![Ok(gz(&vec![0; 2 << 20])), spare()]);
    assert!(said.contains("more than the limit"), "{said}");
}

#[test]
fn a_body_that_is_no_content_is_read_twice_more_and_its_bytes_are_compared() {
    let bytes = |body: &[u8]| Ok(body.to_vec());
    let seen = Err(BodyFault::NotGzip);
    let same = |body: &[u8]| format!("same bytes {}", Sha256Hash::of(body));
    assert_eq!(looked(&seen, vec![bytes(b"xyz"), bytes(b"xyz")]).0, same(b"xyz"));
    // The same complaint of other bytes, and of bytes that differ where the judge did not look.
    assert_eq!(looked(&seen, vec![bytes(b"xyz"), bytes(b"abc")]).0, "other");
    assert_eq!(looked(&seen, vec![bytes(b"xyz"), bytes(b"xy")]).0, "other");
    assert_eq!(looked(&seen, vec![Ok(gz(b"{}"))]).0, "other");
    assert_eq!(looked(&seen, vec![bytes(b""), bytes(b"")]).0, "other");
    let (said, _) = looked(&seen, vec![bytes(b"xyz"), Err(StoreError::Unreadable("cut".to_owned()))]);
    assert_eq!(said, "unreadable: cut");
    let (flipped, mut whole) = (gz(b"[]"), gz(b"[]"));
    let last = whole.len() - 5;
    whole[last] ^= 1;
    let seen = Err(match gzip::hash(&mut whole.as_slice(), Encoding::Gzip, 9) {
        Err(BodyError::Malformed(fault)) => fault,
        other => panic!("{other:?}"),
    });
    assert_eq!(looked(&seen, vec![Ok(whole.clone()), Ok(whole.clone())]).0, same(&whole));
    assert_eq!(looked(&seen, vec![Ok(whole), Ok(flipped)]).0, "other");
}

/// Of a body without an end the first 64 MiB are compared, and every one of them.
#[test]
fn bytes_beyond_what_is_compared_are_not() {
    let seen = Err(BodyFault::NotGzip);
    let compared = usize::try_from(MAX_COMPARED).unwrap();
    let body = |at: usize| {
        let mut body = vec![b'.'; compared + 2];
        body[at] = b'!';
        Ok(body)
    };
    assert_eq!(looked(&seen, vec![body(compared), body(compared + 1)]).0, "same 00");
    assert_eq!(looked(&seen, vec![body(compared - 1), body(compared)]).0, "other");
    // A hash of a part is no hash of the object.
    let whole = || Ok(vec![b'.'; compared]);
    let (said, _) = looked(&seen, vec![whole(), whole()]);
    assert_eq!(said, format!("same bytes {}", Sha256Hash::of(&whole().unwrap())));
}

/// Is interrupted once, and then there, or broken.
struct Interrupted {
    once: bool,
    then: Result<&'static [u8], &'static str>,
}

impl Read for Interrupted {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("bodies are read by `fill_buf`")
    }
}

impl BufRead for Interrupted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if std::mem::take(&mut self.once) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.then.map_err(io::Error::other)
    }

    fn consume(&mut self, amount: usize) {
        self.then = self.then.map(|bytes| &bytes[amount..]);
    }
}

#[test]
fn a_read_that_is_interrupted_goes_on_and_one_that_fails_ends() {
    let finish = |then| {
        let mut body = Interrupted { once: true, then };
        BodyTee { body: &mut body, taken: 0, hasher: Sha256::new() }
            .finish()
            .map(|stored| (stored.hash, stored.is_whole))
            .map_err(|error| error.to_string())
    };
    assert_eq!(finish(Ok(b"xyz")), Ok((Sha256Hash::of(b"xyz"), true)));
    assert_eq!(finish(Err("broken")), Err("broken".to_owned()));
}
