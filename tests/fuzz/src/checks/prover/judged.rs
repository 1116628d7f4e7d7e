//! What holds of every report.

use std::collections::BTreeSet;

use trailproof::event::{Finding, ObjectType, Severity};
use trailproof::ident::Sha256Hash;
use trailproof::prove::ChainReport;

use super::{Liar, Ran, World};

impl World<'_> {
    pub(super) fn judge_proved(&self, proved: &BTreeSet<Sha256Hash>) {
        assert!(proved.is_subset(&self.genuine), "a digest is proved that nobody signed");
    }

    pub(super) fn judge_counts(&self, report: &ChainReport) {
        let (digests, logs) = (report.counts.digests, report.counts.logs);
        assert_eq!(report.digests, digests.valid + digests.tampered + digests.unverified);
        assert_eq!(report.logs, logs.valid + logs.tampered + logs.unverified);
        // Nothing is told or counted twice; where anything may be answered, one digest may be two.
        if self.lies_by != Liar::Anybody {
            let key = |found: &Finding| {
                (found.uri.clone(), found.digest.clone(), found.start, found.fault.cause().map(str::to_owned))
            };
            let told: BTreeSet<_> = report.findings.iter().map(key).collect();
            assert_eq!(told.len(), report.findings.len(), "{:#?}", report.findings);
            let digests = || report.objects.iter().filter(|(object, ..)| *object == ObjectType::Digest);
            let objects: BTreeSet<&String> = digests().map(|(_, uri, _)| uri).collect();
            assert_eq!(objects.len(), digests().count(), "{:#?}", report.objects);
        }
        assert!(self.scope.selected || report.findings.is_empty(), "{:#?}", report.findings);
    }

    pub(super) fn assert_nobody_accused(&self, report: &ChainReport) {
        let accuses = |finding: &&Finding| finding.severity == Severity::Tampered;
        let accusing: Vec<_> = report.findings.iter().filter(accuses).collect();
        assert!(accusing.is_empty(), "untouched: {accusing:#?}");
    }

    pub(super) fn judge(&self, ran: &Ran) {
        let report = &ran.report;
        self.judge_proved(&ran.proved);
        self.judge_counts(report);
        if !self.is_touched && self.lies_by != Liar::Anybody {
            self.assert_nobody_accused(report);
        }
        let is_silent = report.findings.iter().all(|finding| finding.severity == Severity::Notice);
        let is_whole = self.scope.selected && self.scope.range.start.is_none();
        if is_silent && is_whole && !self.is_resigned && self.lies_by == Liar::Nobody {
            self.assert_all_proved(ran);
        }
    }

    /// Where nothing is found, nothing that was delivered is lacking, as far as anything tells.
    fn assert_all_proved(&self, ran: &Ran) {
        let is_proved = |hash: Sha256Hash| ran.proved.contains(&hash);
        for head in &self.heads {
            assert!(is_proved(head.hash), "{head:?} is not missed");
        }
        let genuine =
            || self.delivered.digests.iter().map(|(read, _)| (read.end, read.file().unwrap().hash()));
        let newest = genuine().filter(|(_, hash)| is_proved(*hash)).map(|(end, _)| end).max();
        for (end, hash) in genuine().filter(|(end, _)| newest.is_some_and(|newest| *end <= newest)) {
            assert!(is_proved(hash) || !self.delivered.is_unbroken, "{end} is not missed");
        }
    }
}
