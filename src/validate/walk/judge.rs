//! Takes one digest into its chain: what it is worth by its signatures, by its successor, and what is said of it.

use crate::chain::{Misfit, ProvedDigest, Record};
use crate::digest::DigestFile;
use crate::event::{Fault, Finding, Kind, ObjectState, Severity, UsedKey};
use crate::ident::{Location, Sha256Hash};
use crate::keys::TrustedKey;
use crate::time::{HOUR, Interval, Timestamp};

use super::{Judged, Walker};
use crate::validate::Request;
use crate::validate::again::{self, Seen, Suspect};
use crate::validate::chain::{Anchor, Restart, Told};
use crate::validate::fetch::{Content, Fetched, Proof};
use crate::validate::unit::Ready;

/// Where a digest was delivered: where it lies, or where it says, if the user named that move.
pub(super) fn place(request: &Request, fetched: &Fetched) -> Location {
    let Some(recorded) = fetched.file().map(DigestFile::location) else { return fetched.location.clone() };
    let moved = |relocation: &crate::store::relocated::Relocation| {
        relocation.copy_of(recorded).as_ref() == Some(&fetched.location)
    };
    if request.relocations.iter().any(moved) { recorded.clone() } else { fetched.location.clone() }
}

/// A digest on its way into the chain.
pub(super) struct Arrival {
    pub(super) location: Location,
    place: Location,
    pub(super) end: Timestamp,
    asked: bool,
    pub(super) backfill: bool,
    /// What the anchor records of it, if it is the awaited predecessor.
    pub(super) record: Option<Record>,
    pub(super) signature: Option<String>,
    metadata_error: Option<String>,
}

impl Arrival {
    pub(super) fn told(&self) -> Told {
        Told {
            location: self.location.clone(),
            end: self.end,
            asked: self.asked,
            successor: self.record.as_ref().map(|record| record.successor().clone()),
        }
    }

    fn link<'a>(&'a self, file: &'a DigestFile) -> Link<'a> {
        let (record, signature) = (self.record.as_ref(), self.signature.as_deref());
        Link { end: self.end, backfill: self.backfill, record, signature, file }
    }
}

/// What a digest turned out to be.
enum Worth {
    Proved(ProvedDigest),
    Unproved(Option<DigestFile>),
}

impl<'c> Walker<'c, '_> {
    /// Takes the next older digest.
    pub(super) fn accept(&mut self, digest: Judged) {
        let (asked, request) = (self.is_asked(digest.window()), self.context.request);
        let Judged { fetched, place, proof, .. } = digest;
        let Fetched { location, end, content, signature, metadata_error, sizes, sure, .. } = fetched;
        let Some(chain) = self.chain() else { return };
        let record = chain.walk.anchor.as_ref().and_then(|anchor| anchor.record.clone());
        // What a digest that is not parsed says of its place is not known.
        let is_unparsed_copy = |recorded: &Location| {
            let moves = &request.relocations;
            matches!(content, Content::TooLarge(_))
                && moves.iter().any(|moved| moved.copy_of(recorded).as_ref() == Some(&location))
        };
        let record =
            record.filter(|record| *record.location() == place || is_unparsed_copy(record.location()));
        if asked && chain.selected {
            chain.counts.compressed_bytes += sizes.compressed;
            chain.counts.inflated_bytes += sizes.inflated;
        }
        let backfill = chain.id.backfill;
        let arrival = Arrival { location, place, end, asked, backfill, record, signature, metadata_error };
        let seen = content.seen().filter(|_| !sure);
        let (mut worth, mut said) = self.judge(&arrival, content, proof);
        if said.iter().any(accuses)
            && let Some(content) = seen.and_then(|seen| self.second_look(&arrival, seen))
        {
            (worth, said) = self.judge(&arrival, content, None);
        }
        self.record(&arrival, worth, said);
    }

    /// What is to be said of a digest instead, where a second look at it does not bear out the first.
    fn second_look(&self, arrival: &Arrival, seen: Seen) -> Option<Content> {
        let suspect = Suspect { location: arrival.location.clone(), seen };
        let looks = again::look(self.context, &[suspect], self.context.request.limits.digest);
        looks.into_iter().find_map(|again| Content::after(again, arrival.signature.as_deref()))
    }

    /// What a digest is worth, and what is said of it.
    fn judge(&mut self, arrival: &Arrival, content: Content, proof: Option<Proof>) -> (Worth, Vec<Finding>) {
        let mut said = Vec::new();
        let fault = match content {
            Content::Parsed(file) => return (self.worth(arrival, *file, proof, &mut said), said),
            Content::Bodiless(body) => Fault::DigestBody { body },
            Content::Malformed(reason, _) => Fault::NotADigest { reason },
            Content::TooLarge(excess) => {
                return (Worth::Unproved(None), vec![self.oversized(arrival, excess)]);
            }
            Content::Unreadable(fault) => *fault,
            Content::Gone => Fault::DigestVanished,
        };
        said.push(Finding::new(fault, arrival.end));
        (Worth::Unproved(None), said)
    }

    /// Proves a parsed digest by its signature or by its successor, and says what does not fit.
    fn worth(
        &mut self,
        arrival: &Arrival,
        file: DigestFile,
        proof: Option<Proof>,
        said: &mut Vec<Finding>,
    ) -> Worth {
        let Some(proof) = proof else {
            let mut finding = Finding::new(Fault::DigestElsewhere, arrival.end);
            finding.expected = Some(file.location().to_string());
            finding.actual = Some(arrival.location.to_string());
            said.push(finding);
            return Worth::Unproved(Some(file));
        };
        let fault = match proof {
            Proof::Signed { proof, key, metadata_fits } => {
                return match ProvedDigest::by_signature(file, proof) {
                    Ok(proved) => {
                        if arrival.asked {
                            self.use_key(&key);
                        }
                        say_misfits(&arrival.link(proved.file()), metadata_fits, said);
                        say_lost_metadata(arrival, said);
                        Worth::Proved(proved)
                    }
                    Err(file) => Worth::Unproved(Some(file)),
                };
            }
            Proof::Misfit => Fault::SignatureMisfit,
            Proof::Unsigned => Fault::Unsigned { metadata: arrival.metadata_error.clone(), proved: false },
            Proof::NoKey(lack) => Fault::NoKey { lack, proved: false },
        };
        by_successor(arrival, file, fault, said)
    }

    fn use_key(&mut self, key: &TrustedKey) {
        if !self.chain().is_some_and(|chain| chain.selected) {
            return;
        }
        self.unit.keys.insert(UsedKey {
            fingerprint: key.key.fingerprint().to_owned(),
            region: self.unit.region.to_string(),
            valid_from: key.validity.map(|validity| validity.start),
            valid_to: key.validity.map(|validity| validity.end),
            source: key.source.clone(),
        });
    }

    /// Enters a judged digest into the chain and the counts.
    fn record(&mut self, arrival: &Arrival, worth: Worth, mut said: Vec<Finding>) {
        let request = self.context.request;
        let folder = self.unit.folder_of(&arrival.location).filter(|_| arrival.asked);
        if let Some(answered) = folder.and_then(|folder| self.unit.answered.get_mut(folder)) {
            *answered = true;
        }
        let Some(chain) = self.chain() else { return };
        if arrival.place != arrival.location {
            let seen = chain.walk.relocated.as_ref().map_or(0, |(_, _, seen)| *seen);
            chain.walk.relocated = Some((arrival.location.clone(), arrival.place.clone(), seen + 1));
        }
        let intruder = is_intruder(chain.walk.anchor.as_ref(), arrival);
        if intruder && !matches!(worth, Worth::Proved(_)) {
            said = said.into_iter().map(Finding::without_room).collect();
        }
        if arrival.record.is_some()
            && let Some(anchor) = &mut chain.walk.anchor
        {
            anchor.resolved = true;
        }
        match worth {
            Worth::Proved(proved) if intruder => {
                let file = proved.file().clone().head();
                if let Some(anchor) = self.enter_proved(arrival, proved) {
                    self.set_aside(arrival, file, anchor, said);
                }
            }
            Worth::Proved(proved) => {
                chain.tell(request, &arrival.told(), said, true);
                let anchor = self.enter_proved(arrival, proved);
                self.go_on_from(anchor, arrival.record.is_some());
            }
            Worth::Unproved(file) => {
                chain.tell(request, &arrival.told(), said, false);
                if arrival.record.is_some() {
                    chain.release_overlaps(request);
                }
                self.enter_unproved(arrival, file);
            }
        }
    }

    /// Goes on from a proved digest, which the chain has room for.
    fn go_on_from(&mut self, anchor: Option<Anchor>, was_awaited: bool) {
        let (request, backfill) = (self.context.request, self.chain().is_some_and(|chain| chain.id.backfill));
        let (Some(chain), Some(anchor)) = (self.chain(), anchor) else { return };
        let starts = anchor.record.is_none() && !backfill;
        chain.walk.anchor = Some(anchor);
        chain.walk.doubtful = false;
        if was_awaited {
            chain.settle_overlaps(request, starts);
        }
    }

    /// Enters what a proved digest covers and lists. Returns what comes before it.
    fn enter_proved(&mut self, arrival: &Arrival, proved: ProvedDigest) -> Option<Anchor> {
        let folder = self.unit.folder_of(&arrival.location);
        let (window, record) = (proved.file().window(), proved.record());
        let resolved = record.as_ref().is_some_and(|record| self.is_of_another_chain(record));
        let chain = self.unit.chains.get_mut(self.chain)?;
        let counted = arrival.asked && chain.selected;
        // DESIGN 1.4: a digest that starts a chain is of the hour before logging began, and covers nothing.
        let covers = !chain.id.backfill && record.is_some();
        if covers && arrival.asked {
            match chain.walk.covered.last_mut() {
                Some(last) if last.start == window.end => last.start = window.start,
                _ => chain.walk.covered.push(window),
            }
        }
        if counted && (covers || chain.id.backfill) {
            chain.walk.marks.prove(window, proved.file().log_count() == 0);
        }
        if record.is_none() {
            let (end, location, asked) = (window.end, arrival.location.clone(), arrival.asked);
            chain.walk.restarts.push(Restart { end, location, asked });
        }
        if let Some(folder) = folder.filter(|_| !chain.id.backfill) {
            chain.walk.newest = chain.walk.newest.max(Some((window.end, folder)));
        }
        chain.walk.note(proved.file());
        self.unit.ready.push(Ready { chain: self.chain, digest: proved, counted });
        if covers {
            self.unit.cover(folder, window);
        }
        Some(Anchor { location: arrival.place.clone(), window, record, resolved })
    }

    fn enter_unproved(&mut self, arrival: &Arrival, file: Option<DigestFile>) {
        let Some(chain) = self.chain() else { return };
        chain.walk.doubtful = true;
        if arrival.asked {
            // Not the window it claims: nothing vouches for that.
            chain.walk.unproved.push(Interval { start: arrival.end.plus(-HOUR), end: arrival.end });
        }
        let Some(file) = file else { return };
        chain.walk.note(&file);
        if arrival.asked && chain.selected {
            chain.claim(&file, &arrival.location, arrival.end);
        }
    }
}

/// Whether it says of the bytes that were read that they are not what was delivered. Digests that do not link are both
/// genuine.
fn accuses(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::DigestModified | Kind::DigestMalformed | Kind::DigestMoved)
        && finding.severity == Severity::Tampered
}

/// Whether a digest stands where the anchor's record leaves no room for one.
fn is_intruder(anchor: Option<&Anchor>, arrival: &Arrival) -> bool {
    let awaiting = anchor.is_some_and(|anchor| !anchor.resolved && anchor.record.is_some());
    awaiting && arrival.record.is_none()
}

/// A proved digest and what its successor, where it has one, records of it.
pub(super) struct Link<'a> {
    pub(super) end: Timestamp,
    pub(super) backfill: bool,
    pub(super) record: Option<&'a Record>,
    /// The signature in the digest's metadata.
    pub(super) signature: Option<&'a str>,
    pub(super) file: &'a DigestFile,
}

/// What is said of a proved digest that does not fit its successor.
pub(super) fn say_misfits(link: &Link<'_>, metadata_fits: bool, said: &mut Vec<Finding>) {
    let Link { end, record, file, .. } = *link;
    let misfit = record.and_then(|record| Some((record, record.misfit(file, link.signature)?)));
    let recorded_signature = |record: &Record| record.signature().map(str::to_owned);
    match misfit {
        Some((record, Misfit::Hash)) => {
            let finding = Finding::new(Fault::OtherDigestRecorded, end);
            said.push(finding.with_hashes(record.hash(), Some(file.hash())));
        }
        // Hours may be filled in again, and in any order.
        Some((_, Misfit::Overlap)) if link.backfill => {}
        Some((_, Misfit::Overlap)) => {
            said.push(Finding::new(Fault::OverlapsSuccessor, end));
        }
        None if metadata_fits => {}
        Some((_, Misfit::Signature)) | None => {
            let mut finding = Finding::new(Fault::OtherSignatureRecorded, end);
            finding.expected = record.and_then(recorded_signature);
            finding.actual = link.signature.map(str::to_owned);
            said.push(finding);
        }
    }
}

/// Says of a digest that the signature in its successor proves that its own was lost.
fn say_lost_metadata(arrival: &Arrival, said: &mut Vec<Finding>) {
    if arrival.signature.is_none()
        && let Some(why) = arrival.metadata_error.clone()
    {
        said.push(Finding::new(Fault::MetadataLost { why }, arrival.end).as_notice());
    }
}

/// Judges a digest that no signature proves by what its successor records.
fn by_successor(arrival: &Arrival, file: DigestFile, fault: Fault, said: &mut Vec<Finding>) -> Worth {
    let found = file.hash();
    let recorded: Option<Sha256Hash> = arrival.record.as_ref().and_then(Record::hash);
    let kind = fault.kind();
    let worth = match &arrival.record {
        Some(record) => match ProvedDigest::by_successor(file, record) {
            Ok(proved) => Worth::Proved(proved),
            Err(file) => Worth::Unproved(Some(file)),
        },
        None => Worth::Unproved(Some(file)),
    };
    said.push(match (&worth, recorded) {
        (Worth::Proved(_), _) if kind == Kind::DigestModified => {
            Finding::new(Fault::MetadataSignatureMisfit, arrival.end)
        }
        (Worth::Proved(_), _) => Finding::new(proved(fault), arrival.end).as_notice(),
        (Worth::Unproved(_), Some(recorded)) => {
            Finding::new(Fault::NotAsRecorded, arrival.end).with_hashes(Some(recorded), Some(found))
        }
        (Worth::Unproved(_), None) => {
            Finding { actual: Some(found.to_string()), ..Finding::new(fault, arrival.end) }
        }
    });
    // Where no key can check the signature in its metadata, it can still be held against the recorded one.
    if let Worth::Proved(proved) = &worth
        && kind != Kind::DigestModified
    {
        say_misfits(&arrival.link(proved.file()), true, said);
    }
    worth
}

/// The fault of a digest that its successor proves.
fn proved(fault: Fault) -> Fault {
    match fault {
        Fault::Unsigned { metadata, .. } => Fault::Unsigned { metadata, proved: true },
        Fault::NoKey { lack, .. } => Fault::NoKey { lack, proved: true },
        fault => fault,
    }
}

/// What a digest counts as, by the gravest thing said of it.
pub(super) fn state(said: &[Finding], proved: bool) -> ObjectState {
    match said.iter().map(|finding| finding.severity).max() {
        Some(Severity::Tampered) => ObjectState::Tampered,
        Some(Severity::Incomplete) => ObjectState::Unverified,
        Some(Severity::Notice) | None if proved => ObjectState::Valid,
        Some(Severity::Notice) | None => ObjectState::Unverified,
    }
}
