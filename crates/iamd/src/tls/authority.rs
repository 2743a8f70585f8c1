//! The own certificate authority: made once in the data folder, issues the server's certificate.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use iamd_wire::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use zeroize::Zeroizing;

use super::Pair;
use crate::entropy;
use crate::fault::Fault;

/// Folder in the data folder.
const FOLDER: &str = "tls";
/// The authority's certificate, which clients trust.
const CERTIFICATE_FILE: &str = "ca.pem";
/// Its key.
const KEY_FILE: &str = "ca.key";
/// The server's certificate, for looking at; its key stays in memory.
const SERVER_FILE: &str = "server.pem";
/// How long the authority lasts.
// CHOICE: longer than the machine; every client has to be told of a new one.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// How long a server's certificate lasts.
// CHOICE: a quarter, renewed after two thirds; some clients take no more than 398 days.
const SERVER_DAYS: i64 = 90;
/// How far clocks of clients may be behind, in days.
const SKEW_DAYS: i64 = 1;
const DAY_SECONDS: i64 = 86_400;
/// Longest file here, in bytes.
const LENGTH_MAX: u64 = 64 * 1024;

/// Where clients find the authority's certificate.
pub fn certificate_path(data: &Path) -> PathBuf {
    data.join(FOLDER).join(CERTIFICATE_FILE)
}

/// Where the server's present certificate is.
pub fn server_certificate_path(data: &Path) -> PathBuf {
    data.join(FOLDER).join(SERVER_FILE)
}

/// An authority that can issue.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    server_path: PathBuf,
}

impl Authority {
    /// Makes the authority of a data folder.
    ///
    /// # Errors
    /// [`Fault::Folder`] when it cannot be written, or is there already.
    pub fn create(data: &Path, now: Timestamp) -> Result<(), Fault> {
        let folder = data.join(FOLDER);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| unwritable(&folder, &error))?;
        let key = KeyPair::generate().map_err(|error| bug(&error))?;
        let mut parameters = CertificateParams::default();
        // Two authorities on one machine must not look the same.
        let number = u32::from_be_bytes(entropy::bytes()?);
        parameters.distinguished_name.push(DnType::CommonName, format!("iamd CA {number:08x}"));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        valid(&mut parameters, now, AUTHORITY_DAYS);
        let certificate = parameters.self_signed(&key).map_err(|error| bug(&error))?;
        let secret = Zeroizing::new(key.serialize_pem());
        // The key first: a certificate that somebody already trusts has one.
        write_new(&folder.join(KEY_FILE), secret.as_bytes(), 0o600)?;
        write_new(&folder.join(CERTIFICATE_FILE), certificate.pem().as_bytes(), 0o644)
    }

    /// Makes a new authority; the folder of the old one, if there is one, gets another name.
    ///
    /// # Errors
    /// As [`Authority::create`].
    pub fn renew(data: &Path, now: Timestamp) -> Result<(), Fault> {
        let folder = data.join(FOLDER);
        if folder.exists() {
            let old = data.join(format!("{FOLDER}.old-{}", now.seconds()));
            std::fs::rename(&folder, &old).map_err(|error| unwritable(&old, &error))?;
        }
        Authority::create(data, now)
    }

    /// Opens the authority of a data folder.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong with its files.
    pub fn open(data: &Path) -> Result<Authority, Fault> {
        let folder = data.join(FOLDER);
        let key_path = folder.join(KEY_FILE);
        let key = Zeroizing::new(read(&key_path, true)?);
        let certificate = read(&folder.join(CERTIFICATE_FILE), false)?;
        let unusable = |error: &dyn std::fmt::Display| {
            Fault::Folder(format!(
                "the certificate authority in {} is damaged: {error}; restore it from a backup",
                folder.display()
            ))
        };
        let key = KeyPair::from_pem(&key).map_err(|error| unusable(&error))?;
        super::check_pair(&certificate, &key.serialize_pem()).map_err(|error| unusable(&error))?;
        let issuer =
            Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| unusable(&error))?;
        Ok(Authority { issuer, certificate, server_path: folder.join(SERVER_FILE) })
    }

    /// Issues a certificate for these names, beside those of the machine itself.
    ///
    /// # Errors
    /// [`Fault::Bug`]; [`Fault::Folder`] when it cannot be written down.
    pub fn issue(&self, names: &[String], now: Timestamp) -> Result<Pair, Fault> {
        let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        for name in names {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        let key = KeyPair::generate().map_err(|error| bug(&error))?;
        let mut parameters = CertificateParams::new(all).map_err(|error| bug(&error))?;
        parameters.distinguished_name.push(DnType::CommonName, "iamd");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        valid(&mut parameters, now, SERVER_DAYS);
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(|error| bug(&error))?;
        let chain = certificate.pem() + &self.certificate;
        replace(&self.server_path, chain.as_bytes())?;
        Ok(Pair { chain, key: Zeroizing::new(key.serialize_pem()) })
    }

    /// When a certificate that was issued at `issued` is to be renewed.
    pub fn renewal(issued: Timestamp) -> Timestamp {
        Timestamp::from_seconds(issued.seconds() + SERVER_DAYS * DAY_SECONDS * 2 / 3)
    }
}

/// The names that a server needs which listens on this address.
pub fn listening_names(ip: IpAddr) -> Option<String> {
    (!ip.is_unspecified() && !ip.is_loopback()).then(|| ip.to_string())
}

fn valid(parameters: &mut CertificateParams, now: Timestamp, days: i64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| epoch + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    parameters.not_before = at(now.seconds() - SKEW_DAYS * DAY_SECONDS);
    parameters.not_after = at(now.seconds() + days * DAY_SECONDS);
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), Fault> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| unwritable(path, &error))
}

/// The file is there whole, before or after.
fn replace(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let unfinished = path.with_extension(format!("pem.{}", std::process::id()));
    let _ = std::fs::remove_file(&unfinished);
    write_new(&unfinished, content, 0o644)?;
    std::fs::rename(&unfinished, path).map_err(|error| unwritable(path, &error))
}

fn read(path: &Path, is_secret: bool) -> Result<String, Fault> {
    let fault = |what: String| Fault::Folder(format!("{} {what}", path.display()));
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => fault(
            "is missing; restore the folder, or make a new authority with `iamd init --new-authority` and give its certificate to all clients".to_owned(),
        ),
        _ => fault(format!("cannot be read: {error}")),
    })?;
    let metadata = file.metadata().map_err(|error| fault(format!("cannot be read: {error}")))?;
    if is_secret && metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault("can be read by others; make it private with `chmod 600`".to_owned()));
    }
    let mut text = String::new();
    let read = file.take(LENGTH_MAX).read_to_string(&mut text);
    read.map_err(|error| fault(format!("cannot be read: {error}")))?;
    Ok(text)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("{} cannot be written: {error}", path.display()))
}

fn bug(error: &rcgen::Error) -> Fault {
    Fault::Bug(format!("a certificate cannot be made: {error}"))
}
