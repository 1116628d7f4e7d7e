//! Certificate authorities that the user names in place of the system's: `AWS_CA_BUNDLE`, or `ca_bundle` of the profile.
//!
//! Source: AWS SDKs and Tools Reference Guide, "General configuration settings": a file of certificates in PEM, which
//! replaces the authorities of the system. The SDK for Rust does not read the setting.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_types::os_shim_internal::Env;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::profiles;
use crate::text::shortened;

/// The environment variable with the path of the file.
const VARIABLE: &str = "AWS_CA_BUNDLE";

/// Largest file read, in bytes. The authorities of a system have some 250 KB.
const MAX_BUNDLE: u64 = 16 << 20;

/// A file of certificate authorities that is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the CA bundle `{}` ({setting}) {why}", path.display())]
pub struct CaBundleError {
    /// The setting that names the file: `AWS_CA_BUNDLE`, or `ca_bundle` of a profile.
    pub setting: String,
    /// Path of the file.
    pub path: PathBuf,
    /// Why the file is not usable.
    pub why: CaBundleFault,
}

/// Why a file of certificate authorities is not usable.
#[derive(Debug, thiserror::Error)]
pub enum CaBundleFault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file is too large.
    #[error("is larger than {MAX_BUNDLE} bytes")]
    TooLarge,
    /// The file is not PEM.
    #[error("is not valid PEM: {0}")]
    NotPem(String),
    /// The file has no block `CERTIFICATE`.
    #[error("has no certificate")]
    Empty,
    /// No certificate of the file is valid; the first reason.
    #[error("has no usable certificate: {0}")]
    Unusable(String),
}

/// The authorities that the environment or the profile `named` (else the profile in AWS_PROFILE) names; `None` for the
/// authorities of the system.
pub(super) async fn context(named: Option<&str>) -> Result<Option<TlsContext>, CaBundleError> {
    let variable = Env::real().get(VARIABLE).ok().filter(|path| !path.is_empty());
    let (setting, path) = match variable {
        Some(path) => (VARIABLE.to_owned(), path),
        None => match profiles::setting(named, "ca_bundle").await {
            Some((profile, path)) => (format!("`ca_bundle` of the profile `{profile}`"), path),
            None => return Ok(None),
        },
    };
    let path = expanded(&path, Env::real().get("HOME").ok().as_deref());
    match read(&path).and_then(|bytes| usable(&bytes)) {
        Ok(pem) => {
            let store = TrustStore::empty().with_pem_certificate(pem);
            Ok(TlsContext::builder().with_trust_store(store).build().ok())
        }
        Err(why) => Err(CaBundleError { setting, path, why }),
    }
}

/// The path with the home folder in place of `~`.
fn expanded(path: &str, home: Option<&str>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.into(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CaBundleFault> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(CaBundleFault::Unreadable)?;
    file.take(MAX_BUNDLE + 1).read_to_end(&mut bytes).map_err(CaBundleFault::Unreadable)?;
    if bytes.len() as u64 > MAX_BUNDLE { Err(CaBundleFault::TooLarge) } else { Ok(bytes) }
}

/// The usable certificates of a bundle, as PEM. A certificate that TLS does not accept is left out, as for the
/// authorities of the system: the HTTP client would panic.
fn usable(bytes: &[u8]) -> Result<String, CaBundleFault> {
    let (mut roots, mut pem, mut first_error) = (RootCertStore::empty(), String::new(), None);
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| CaBundleFault::NotPem(shortened(error.to_string())))?;
        let block = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&certificate)
        );
        match roots.add(certificate) {
            Ok(()) => pem.push_str(&block),
            Err(error) => drop(first_error.get_or_insert(shortened(error.to_string()))),
        }
    }
    match first_error {
        Some(error) if roots.is_empty() => Err(CaBundleFault::Unusable(error)),
        None if roots.is_empty() => Err(CaBundleFault::Empty),
        _ => Ok(pem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_is_expanded() {
        for (path, home, expected) in [
            ("~/ca.pem", Some("/home/me"), "/home/me/ca.pem"),
            ("~/ca.pem", None, "~/ca.pem"),
            ("ca/~/x.pem", Some("/home/me"), "ca/~/x.pem"),
        ] {
            assert_eq!(expanded(path, home), Path::new(expected));
        }
    }

    #[test]
    fn a_bundle_without_a_usable_certificate_is_refused() {
        let told = |text: &str| usable(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(told(""), "has no certificate");
        assert_eq!(
            told("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            "has no certificate"
        );
        let junk = told("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(junk.starts_with("has no usable certificate: "), "{junk}");
        let broken = told("-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(broken.starts_with("is not valid PEM: "), "{broken}");
    }
}
