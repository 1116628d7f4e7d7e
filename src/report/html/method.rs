//! The method, the limits of the proof, and the controls that the report is evidence for.

use maud::{Markup, html};

use crate::event::Report;

/// The method, for readers who know neither CloudTrail's digests nor this program.
pub(super) fn method(report: &Report) -> Markup {
    let checked = match (report.single_objects, report.interrupted) {
        (true, _) => {
            "Only single objects and the digests that prove them were checked. A run over folders checks all of the following:"
        }
        (false, true) => {
            "The run ended before everything was checked. A whole run checks all of the following:"
        }
        (false, false) => "This program checked all of the following:",
    };
    html! {
        p {
            "CloudTrail writes a log file every few minutes, and a digest file every hour. The digest file lists the log files \
             with their SHA-256 hashes, names the previous digest with its hash, and is signed by AWS with an RSA key. \
             "
            (checked)
        }
        ol {
            li { strong { "Digests." } " A digest is proved by its signature under a CloudTrail key of the digest's region that \
                was valid at the time of signing, or by a proved successor that records the digest's hash." }
            li { strong { "The chain." } " Bucket, key, hash, signature and time of a digest are as the successor records. \
                Digests that the chain names, or that an unbroken hourly cadence implies, were looked up by name." }
            li { strong { "Log files." } " The SHA-256 hash of an inflated log file is the hash in a proved digest, and the \
                log file is exactly one whole gzip member, without further bytes." }
            li { strong { "Coverage." } " Proved digests cover the range without holes, for each account, region and \
                trail. Holes are reported as gaps." }
            li { strong { "Additions." } " Objects in the log folders that no proved digest lists are reported." }
        }
        p {
            "The keys come from CloudTrail or from files that the user named, and never from the checked objects. A failed \
             read is never reported as tampering, and an empty result is never reported as success."
        }
        h3 { "What is not proved" }
        ul {
            li { "That CloudTrail learned of every event, or that logging was on at times without a digest." }
            li { "Events before the start of the record. A completely deleted record, or a record deleted up to a restart of \
                logging, looks like a record that never existed, unless the asked start is earlier." }
            li { "Additions within 35 minutes of the edges of the covered time, since the time in a log file's name is up to \
                20 minutes off the time of delivery." }
            li { "This page, which is not signed. Keep the page where an attacker with access to the record cannot change \
                the page, or run the command above again." }
        }
        h3 { "The states of time" }
        dl.states {
            dt { "proved" } dd { "a proved digest covers the time, and all log files in the digest's list are as delivered" }
            dt { "quiet" } dd { "a proved digest covers the time and lists no log file: no events were recorded" }
            dt { "remembered" } dd { "an earlier run proved the time, and its objects are listed unchanged since then (same size, \
                entity tag and time of the last write); this run did not read them" }
            dt { "gap" } dd { "no digest covers the time" }
            dt { "unverified" } dd { "the digest, or a log file in the digest's list, could not be proved" }
            dt { "tampered" } dd { "the digest, or a log file in the digest's list, is not what was delivered, or is gone" }
        }
    }
}

/// Requirement, summary of the requirement in our words, and the part of the report that answers the requirement.
const CONTROLS: [[&str; 3]; 6] = [
    [
        "PCI DSS 4.0.1, 10.3.4",
        "changes to audit logs are detected, and raise an alert",
        "the verdict and exit code 1 or 3 of each run; the scheduler must raise the alert",
    ],
    [
        "PCI DSS 4.0.1, 11.5.2",
        "changes, additions and deletions of critical files are detected, at least weekly",
        "modified, unreferenced, deleted and missing files; stored reports show the weekly runs",
    ],
    [
        "CIS AWS Foundations, 3.2",
        "log file validation is turned on, and used",
        "proved digests show that validation was on; this report shows that validation is used",
    ],
    [
        "NIST SP 800-53, AU-9(3)",
        "cryptography protects the integrity of audit information and tools",
        "signatures and hashes of all digests and log files; the version of the checking tool",
    ],
    [
        "NIST SP 800-53, AU-10(2)",
        "the origin of information is bound to the information, and the binding is validated",
        "signatures under the keys listed above, with the keys' validity",
    ],
    [
        "HIPAA, 45 CFR 164.312(c)(2)",
        "proof that records were not altered or destroyed",
        "coverage and findings, for records in or about CloudTrail's log files",
    ],
];

/// The controls that the report is evidence for.
pub(super) fn controls() -> Markup {
    html! {
        p {
            "This report is evidence for the following requirements, within the scope above. The assessor decides whether \
             the evidence is sufficient."
        }
        div.wide {
            table {
                thead { tr {
                    th scope="col" { "requirement" } th scope="col" { "asks for" } th scope="col" { "answered by" }
                } }
                tbody { @for [name, asks, answer] in CONTROLS {
                    tr { th scope="row" { (name) } td { (asks) } td { (answer) } }
                } }
            }
        }
    }
}
