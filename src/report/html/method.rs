//! What is proved and how, what is not, and which controls the report is evidence for.

use maud::{Markup, html};

/// The method, for a reader who knows neither CloudTrail's digests nor this program.
pub(super) fn method() -> Markup {
    html! {
        p {
            "CloudTrail writes a log file for every few minutes of activity, and each hour a digest file that lists these log \
             files with their SHA-256 hashes, names the digest before it with its hash, and is signed by AWS with an RSA key. \
             This program checked each of these statements by itself:"
        }
        ol {
            li { strong { "Digests." } " Each is proved by its own signature under a CloudTrail key of its region that was \
                valid when it was signed, or by a proved successor that records its hash." }
            li { strong { "The chain." } " Bucket, key, hash, signature and time of each digest are as its successor records \
                them. Digests that the chain names, or that an unbroken hourly cadence says were there, were looked for \
                by name." }
            li { strong { "Log files." } " The SHA-256 of each inflated log file is the one that a proved digest lists, and \
                each is exactly one whole gzip member with nothing after it." }
            li { strong { "Coverage." } " Proved digests tile the asked time, for each account, region and trail. What they \
                leave open is named as a gap." }
            li { strong { "Additions." } " Objects in the log folders that no proved digest lists are named." }
        }
        p {
            "The keys come from CloudTrail itself or from files that whoever ran it named, and never from what was \
             checked. A failure to look is never called tampering, and nothing found is never success."
        }
        h3 { "What is not proved" }
        ul {
            li { "That CloudTrail was told of every event, or that logging was on while no digest says so." }
            li { "What was before the record begins: a record that was deleted whole, or up to a moment at which logging \
                began anew, cannot be told from one that never was, unless the start that was asked for is earlier." }
            li { "Additions within 35 minutes of the covered time's edges, since log files are named up to 20 minutes off \
                their delivery." }
            li { "This page itself: it is not signed. Keep it where those who could change the record cannot change it, \
                or run the command above again." }
        }
        h3 { "The states of time" }
        dl.states {
            dt { "proved" } dd { "a proved digest covers it, and every log file that it lists is as delivered" }
            dt { "quiet" } dd { "a proved digest covers it, and lists no log file: nothing was recorded" }
            dt { "gap" } dd { "no digest covers it" }
            dt { "unverified" } dd { "its digest, or a log file of it, could not be vouched for" }
            dt { "tampered" } dd { "its digest, or a log file of it, is not what was delivered, or is gone" }
        }
    }
}

/// Requirement, what it asks for in our words, and what of this report answers it.
const CONTROLS: [[&str; 3]; 6] = [
    [
        "PCI DSS 4.0.1, 10.3.4",
        "changes to audit logs are detected, and raise an alert",
        "the verdict and exit code 1 or 3 of each run; the alert itself is the scheduler's",
    ],
    [
        "PCI DSS 4.0.1, 11.5.2",
        "changes, additions and deletions of critical files are detected, at least weekly",
        "modified, unreferenced, deleted and missing files; that it runs weekly is shown by the reports that are kept",
    ],
    [
        "CIS AWS Foundations, 3.2",
        "log file validation is turned on, and used",
        "proved digests show that it was on; this report shows that it is used",
    ],
    [
        "NIST SP 800-53, AU-9(3)",
        "cryptography protects the integrity of audit information and tools",
        "signatures and hashes of all digests and log files; the version of the tool that checked them",
    ],
    [
        "NIST SP 800-53, AU-10(2)",
        "the origin of information is bound to it, and that is validated",
        "signatures under the keys listed above, each with its validity",
    ],
    [
        "HIPAA, 45 CFR 164.312(c)(2)",
        "it can be shown that records were not altered or destroyed",
        "coverage and findings, for records that CloudTrail's log files are or are about",
    ],
];

/// Which controls it is evidence for.
pub(super) fn controls() -> Markup {
    html! {
        p {
            "This report is evidence for these requirements, for the scope above and no other. Whether it is enough is the \
             assessor's to say."
        }
        div.wide {
            table {
                thead { tr {
                    th scope="col" { "requirement" } th scope="col" { "asks that" } th scope="col" { "is answered by" }
                } }
                tbody { @for [name, asks, answer] in CONTROLS {
                    tr { th scope="row" { (name) } td { (asks) } td { (answer) } }
                } }
            }
        }
    }
}
