//! Hints by the words of a message: the store and the operating system have more reasons than there are causes.

use super::{FINISH, LIST_IT, READ_IT, READ_SKIPPED, SPLIT_TARS, UNPACK, WHICH_COPY, WHOLE_ARCHIVE};

const SIGN_IN: &str =
    "sign in again (`aws sso login` or `aws login`), or renew the session token, and run again";
const NAME_TARGET: &str =
    "if the copy needs what lies there, give the target of the link as a source too, and run again";
const NOT_A_FILE: &str = "a folder, a pipe or a device lies in the place of the file: replace it by the object, copied \
                          from the bucket, and run again";
const REPLACE_LINK: &str = "copy the object from the bucket in place of the link, and run again";
const FULLER_COPY: &str = "copy the object from the bucket too, or validate the bucket itself, and run again";
const READ_FOLDER: &str = "let the user who runs trailproof read the directory, and run again";
const READ_FILE: &str = "let the user who runs trailproof read the file, and run again";
const ALLOW_LIST: &str = "allow `s3:ListBucket` on the folder, and run again";
const ALLOW_READ: &str =
    "allow `s3:GetObject` on the object, and `kms:Decrypt` on its KMS key if it has one, and run again";
const RESTORE: &str = "restore the object from the archive (`aws s3api restore-object`; `--dry-run --restore-manifest` \
                       lists every object to restore), and run again";
const NAME_ARCHIVE: &str = "name the archive as a source too, and run again";
const NAME_FOLDER: &str = "give the folders of the copy as sources, and run again";
const NO_ANSWER: &str = "check the network, the endpoint (`--endpoint-url`, AWS_ENDPOINT_URL) and the proxy \
                         (HTTPS_PROXY), and run again; or give saved keys with `--public-keys`";
const SERVER_FAILED: &str = "CloudTrail failed: run again later, or give saved keys with `--public-keys`";
/// Error codes of AWS's services for a failure of the service, or for too many requests.
const SERVER_FAILURES: [&str; 5] =
    ["InternalFailure", "InternalError", "ServiceUnavailable", "SlowDown", "Throttling"];
/// Error codes of AWS's services for a session that ended.
const EXPIRED: [&str; 3] = ["ExpiredToken", "RequestExpired", "TokenRefreshRequired"];

/// The hint for an object that could not be read, or a folder that could not be listed, by the store's error in the
/// message: a copy on disk fails for other reasons than a bucket.
pub(super) fn unread(message: &str, is_folder: bool) -> &'static str {
    let says = |cause: &str| message.contains(cause);
    match is_folder {
        _ if is_expired(message) => SIGN_IN,
        _ if is_cut(message) => WHOLE_ARCHIVE,
        _ if is_joined(message) => SPLIT_TARS,
        _ if says("the archive cannot be read beyond") => UNPACK,
        _ if says("link leads out of the directory") => NAME_TARGET,
        false if says("not a regular file") => NOT_A_FILE,
        false if says("link that leads nowhere") => REPLACE_LINK,
        _ if says("out of reach: ") => FULLER_COPY,
        _ if says("two copies differ: ") => WHICH_COPY,
        // The operating system's words; S3's have a code.
        true if says("ermission denied") => READ_FOLDER,
        false if says("ermission denied") => READ_FILE,
        true if says("access denied: ") => ALLOW_LIST,
        false if says("access denied: ") => ALLOW_READ,
        false if says("archived: ") => RESTORE,
        true => LIST_IT,
        false => READ_IT,
    }
}

/// The hint for a folder or file of a copy that was left out, by the reason in the message.
pub(super) fn skipped(message: &str) -> &'static str {
    let says = |cause: &str| message.contains(cause);
    match () {
        () if says("interrupted before the whole folder") => FINISH,
        () if says("archive in a directory is not opened") => NAME_ARCHIVE,
        () if says("link leads out of the directory") => NAME_TARGET,
        () if says("the search stops after ") => NAME_FOLDER,
        () if says("ermission denied") => READ_FOLDER,
        () => READ_SKIPPED,
    }
}

/// Whether the message says that an archive ends before its end.
pub(super) fn is_cut(message: &str) -> bool {
    message.contains("the archive ends early") || message.contains("the archive ends within the member")
}

/// Whether the message says that bytes follow the end of a tar, as where tars were joined.
pub(super) fn is_joined(message: &str) -> bool {
    message.contains("bytes after the end of the tar")
}

/// Whether the message says that a zip has bytes that belong to no listed member.
pub(super) fn has_unlisted_bytes(message: &str) -> bool {
    message.contains("is not in the zip's list of members") || message.contains("belong to no member")
}

/// Whether the message says that the operating system refuses a sidecar.
pub(super) fn is_closed_sidecar(message: &str) -> bool {
    message.contains("sidecar file is not usable: ") && message.contains("ermission denied")
}

/// The hint for a request for keys that failed for another reason than a lack of permission.
pub(super) fn without_keys(message: &str) -> Option<&'static str> {
    if is_expired(message) {
        return Some(SIGN_IN);
    }
    if message.contains("did not answer") || message.contains("not as AWS answers") {
        return Some(NO_ANSWER);
    }
    is_server_failure(message).then_some(SERVER_FAILED)
}

/// Whether the message of a failed request says that the service itself failed.
pub(crate) fn is_server_failure(message: &str) -> bool {
    message.contains("HTTP 5") || SERVER_FAILURES.iter().any(|code| message.contains(code))
}

/// Whether the message of a failed request says that the session of the credentials ended.
pub(crate) fn is_expired(message: &str) -> bool {
    EXPIRED.iter().any(|code| message.contains(code))
}
