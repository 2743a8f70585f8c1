//! SSH public keys, signing certificates and server certificates: what is taken, shown and refused.

use std::sync::OnceLock;

use iamd_wire::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use crate::test_support::{ACCOUNT, NOW, World};

/// Made with `ssh-keygen -t rsa -b 2048`.
pub(crate) const SSH_KEY: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC83FMBsYHsqDJP/G4w86USy/lFBtScXTshTfBqH3geC6/xL2mUFkJsaFYOJf3sB70VLpyUKaLMPMC6/oWBjeR4OcPzaRdsONUplMe10jAzWRc2QqFNZFAQ1hu9X1fR+bUewh4iI041bl6PjQpqIXkurU3l+FH++g5TKerS3HbHhRlyWFWm/3M4H79RNmy9vN9H+df4zq2fHwlDvsWrD0vftNYpu/cdBFyHb1MyDjbZVpZZxztXHBoIZV/a7EEWsVsXr+nKj39X+qaqngLVV+dray7tMcc1TUmpyZwrBfynprpeIvx0O+L9PQa12SsBUuTozofW9lrc8ntDK0G2l2wT bob@example.com";
/// The same key by `ssh-keygen -e -m PKCS8`.
const SSH_KEY_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvNxTAbGB7KgyT/xuMPOl
Esv5RQbUnF07IU3wah94Hguv8S9plBZCbGhWDiX97Ae9FS6clCmizDzAuv6FgY3k
eDnD82kXbDjVKZTHtdIwM1kXNkKhTWRQENYbvV9X0fm1HsIeIiNONW5ej40KaiF5
Lq1N5fhR/voOUynq0tx2x4UZclhVpv9zOB+/UTZsvbzfR/nX+M6tnx8JQ77Fqw9L
37TWKbv3HQRch29TMg422VaWWcc7VxwaCGVf2uxBFrFbF6/pyo9/V/qmqp4C1Vfn
a2su7THHNU1JqcmcKwX8p6a6XiL8dDvi/T0GtdkrAVLk6M6H1vZa3PJ7QytBtpds
EwIDAQAB
-----END PUBLIC KEY-----";
/// The same key by `ssh-keygen -l -E md5`.
const FINGERPRINT: &str = "68:45:93:f2:d3:54:ed:e0:0c:32:11:e9:d6:a9:ba:5d";
/// Made with `ssh-keygen -t rsa -b 1024`.
const SMALL_KEY: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCeg4OOLlGVpi3wBFIoT+5JpeoIhI0ly/jWzT5QPzrxUm/zF32heRf9b7d95CuUElUehYz829Tm0fuL8Jtw42TNAFoPxEYHVcF1n0mm7rvLtjGlxtK7Q1iSy+ZG1+MpMwXStGv7Lp/6tWu0m6QpwZEK7fUuGYLuQ6cGRwyAo9b20Q== small";

/// A certificate with its private key and its issuer.
pub(crate) struct Pair {
    pub(crate) body: String,
    key: String,
}

impl Pair {
    /// The members of an upload of a server certificate.
    pub(crate) fn members(&self) -> String {
        let (body, key) = (escaped(&self.body), escaped(&self.key));
        format!("CertificateBody={body}&PrivateKey={key}")
    }
}

/// Issuer, server certificate, a stranger, one that has ended, and one that has not begun.
fn made() -> &'static [Pair; 5] {
    static MADE: OnceLock<[Pair; 5]> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut params = lasting(2025, 2030, "issuer.example");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer_key = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let key = KeyPair::generate().unwrap();
        let web = lasting(2025, 2028, "web.example").signed_by(&key, &issuer).unwrap();
        [
            Pair { body: issuer.pem(), key: issuer_key },
            Pair { body: web.pem(), key: key.serialize_pem() },
            self_signed(2025, 2030),
            self_signed(2024, 2026),
            self_signed(2027, 2030),
        ]
    })
}

fn lasting(from: i32, to: i32, name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

fn self_signed(from: i32, to: i32) -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = lasting(from, to, "alone.example").self_signed(&key).unwrap();
    Pair { body: certificate.pem(), key: key.serialize_pem() }
}

/// An authority, in force in tests.
pub(crate) fn issuer() -> &'static Pair {
    &made()[0]
}

/// A certificate of that authority, in force in tests.
pub(crate) fn web() -> &'static Pair {
    &made()[1]
}

/// A value as clients send it.
pub(crate) fn escaped(value: &str) -> String {
    let escape = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

fn world() -> World {
    World::with(&["CreateUser&UserName=bob", "CreateUser&UserName=ann"])
}

/// Nothing of what was refused is stored.
fn refuses(world: &mut World, request: &str, refusal: &str) {
    let before = world.rows.clone();
    let root = world.root();
    let refused = world.refusal(&root, request);
    assert!(refused.starts_with(refusal), "{refused} is not {refusal}");
    assert_eq!(world.rows, before);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn upload_key(user: &str, body: &str) -> String {
    format!("UploadSSHPublicKey&UserName={user}&SSHPublicKeyBody={}", escaped(body))
}

#[test]
fn an_ssh_key_is_shown_in_both_encodings() {
    for uploaded in [SSH_KEY, SSH_KEY_PEM] {
        let mut world = world();
        let root = world.root();
        let answer = world.ok(&root, &upload_key("bob", uploaded));
        let key = &answer["SSHPublicKey"];
        let id = text(&key["SSHPublicKeyId"]);
        assert!(id.starts_with("APKA"));
        assert_eq!(
            *key,
            json!({"UserName": "bob", "SSHPublicKeyId": id, "Fingerprint": FINGERPRINT,
                "SSHPublicKeyBody": uploaded, "Status": "Active", "UploadDate": NOW.seconds()})
        );
        let get = |encoding| {
            format!("GetSSHPublicKey&UserName=bob&SSHPublicKeyId={id}&Encoding={encoding}")
        };
        let shown = world.ok(&root, &get("PEM"));
        assert_eq!(text(&shown["SSHPublicKey"]["SSHPublicKeyBody"]), SSH_KEY_PEM);
        let shown = text(&world.ok(&root, &get("SSH"))["SSHPublicKey"]["SSHPublicKeyBody"]);
        let without_comment = SSH_KEY.rsplit_once(' ').unwrap().0;
        assert_eq!(shown, if uploaded == SSH_KEY { SSH_KEY } else { without_comment });
        let update = format!("UpdateSSHPublicKey&UserName=bob&SSHPublicKeyId={id}&Status=Inactive");
        world.ok(&root, &update);
        let listed = world.ok(&root, "ListSSHPublicKeys&UserName=bob");
        assert_eq!(
            listed["SSHPublicKeys"],
            json!([{"UserName": "bob", "SSHPublicKeyId": id, "Status": "Inactive",
                "UploadDate": NOW.seconds()}])
        );
    }
}

#[test]
fn what_is_no_ssh_key_is_refused() {
    let mut world = world();
    let (algorithm, key) = SSH_KEY.split_once(' ').unwrap();
    let twice = format!("{SSH_KEY_PEM}\n{SSH_KEY_PEM}");
    let cut = &key[..key.len() - 40];
    for (body, code) in [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "UnrecognizedPublicKeyEncoding: "),
        ("garbage", "UnrecognizedPublicKeyEncoding: "),
        (key, "UnrecognizedPublicKeyEncoding: "),
        (algorithm, "InvalidPublicKey: "),
        (&format!("{algorithm} {cut}"), "InvalidPublicKey: "),
        (&format!("{algorithm} AAAA"), "InvalidPublicKey: "),
        (&format!("{SSH_KEY}\n{SSH_KEY}"), "InvalidPublicKey: "),
        (SMALL_KEY, "InvalidPublicKey: "),
        (&twice, "InvalidPublicKey: "),
        (&format!("{SSH_KEY_PEM}rubbish"), "InvalidPublicKey: "),
        (&web().body, "InvalidPublicKey: "),
        (&web().key, "InvalidPublicKey: "),
        (&"a".repeat(16_385), "ValidationError: "),
        ("", "ValidationError: "),
    ] {
        refuses(&mut world, &upload_key("bob", body), code);
    }
    refuses(&mut world, &upload_key("eve", SSH_KEY), "NoSuchEntity: The user with name eve cannot");
}

#[test]
fn an_ssh_key_belongs_to_one_user() {
    let mut world = world();
    let root = world.root();
    let id = text(&world.ok(&root, &upload_key("bob", SSH_KEY))["SSHPublicKey"]["SSHPublicKeyId"]);
    for again in [SSH_KEY, SSH_KEY_PEM] {
        refuses(&mut world, &upload_key("bob", again), "DuplicateSSHPublicKey: ");
    }
    world.ok(&root, &upload_key("ann", SSH_KEY));
    let missing = format!("NoSuchEntity: The Public Key with id {id} cannot be found.");
    for request in [
        format!("DeleteSSHPublicKey&UserName=ann&SSHPublicKeyId={id}"),
        format!("UpdateSSHPublicKey&UserName=ann&SSHPublicKeyId={id}&Status=Inactive"),
        format!("GetSSHPublicKey&UserName=ann&SSHPublicKeyId={id}&Encoding=SSH"),
    ] {
        refuses(&mut world, &request, &missing);
    }
    let expire = format!("UpdateSSHPublicKey&UserName=bob&SSHPublicKeyId={id}&Status=Expired");
    refuses(&mut world, &expire, "ValidationError: ");
    refuses(
        &mut world,
        "DeleteUser&UserName=bob",
        "DeleteConflict: Cannot delete entity, must remove referenced objects first.",
    );
    world.ok(&root, &format!("DeleteSSHPublicKey&UserName=bob&SSHPublicKeyId={id}"));
    world.ok(&root, "DeleteUser&UserName=bob");
}

fn upload_signing(user: &str, body: &str) -> String {
    format!("UploadSigningCertificate&UserName={user}&CertificateBody={}", escaped(body))
}

#[test]
fn a_signing_certificate_lives_from_upload_to_deletion() {
    let mut world = world();
    let root = world.root();
    let answer = world.ok(&root, &upload_signing("bob", &web().body));
    let id = text(&answer["Certificate"]["CertificateId"]);
    let shown = |status: &str| {
        json!({"UserName": "bob", "CertificateId": id, "CertificateBody": web().body,
            "Status": status, "UploadDate": NOW.seconds()})
    };
    assert_eq!(answer["Certificate"], shown("Active"));
    let update =
        format!("UpdateSigningCertificate&UserName=bob&CertificateId={id}&Status=Inactive");
    world.ok(&root, &update);
    let listed = world.ok(&root, "ListSigningCertificates&UserName=bob");
    assert_eq!(listed["Certificates"], json!([shown("Inactive")]));
    refuses(&mut world, &upload_signing("ann", &web().body), "DuplicateCertificate: ");
    let of_another = format!("DeleteSigningCertificate&UserName=ann&CertificateId={id}");
    let missing = format!("NoSuchEntity: The Certificate with id {id} cannot be found.");
    refuses(&mut world, &of_another, &missing);
    refuses(&mut world, "DeleteUser&UserName=bob", "DeleteConflict: ");
    world.ok(&root, &format!("DeleteSigningCertificate&UserName=bob&CertificateId={id}"));
    // What was deleted may come again.
    world.ok(&root, &upload_signing("ann", &web().body));
    world.ok(&root, "DeleteUser&UserName=bob");
}

#[test]
fn two_signing_certificates_and_no_more_in_pages() {
    let mut world = world();
    let root = world.root();
    world.ok(&root, &upload_signing("bob", &made()[0].body));
    world.ok(&root, &upload_signing("bob", &made()[1].body));
    refuses(
        &mut world,
        &upload_signing("bob", &made()[2].body),
        "LimitExceeded: Cannot exceed quota for CertificatesPerUser: 2",
    );
    world.ok(&root, &upload_signing("ann", &made()[2].body));
    let first = world.ok(&root, "ListSigningCertificates&UserName=bob&MaxItems=1");
    assert_eq!(first["IsTruncated"], true);
    let marker = text(&first["Marker"]);
    let rest = world.ok(&root, &format!("ListSigningCertificates&UserName=bob&Marker={marker}"));
    assert_eq!(rest["IsTruncated"], false);
    assert_ne!(rest["Certificates"], first["Certificates"]);
    for other in ["ListSigningCertificates&UserName=ann", "ListSSHPublicKeys&UserName=bob"] {
        let request = format!("{other}&Marker={marker}");
        refuses(&mut world, &request, "ValidationError: Invalid Marker.");
    }
}

#[test]
fn root_may_have_signing_certificates() {
    let mut world = world();
    let root = world.root();
    let body = escaped(&web().body);
    world.ok(&root, &format!("UploadSigningCertificate&CertificateBody={body}"));
    let summary = world.ok(&root, "GetAccountSummary");
    assert_eq!(summary["SummaryMap"]["AccountSigningCertificatesPresent"], 1);
    let listed = world.ok(&root, "ListSigningCertificates&UserName=bob");
    assert_eq!(listed["Certificates"], json!([]));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let mut world = world();
    let body = &web().body;
    let malformed = [
        "invalid-certificate-body".to_owned(),
        format!("{body}rubbish"),
        format!("rubbish{body}"),
        format!("{body}{}", issuer().body),
        web().key.clone(),
        SSH_KEY_PEM.to_owned(),
        body.replacen("MII", "MIJ", 1),
        crate::pem::written(
            "CERTIFICATE",
            &[&*crate::pem::block(body).unwrap().bytes, &[0][..]].concat(),
        ),
    ];
    for wrong in malformed {
        let refusal = format!("MalformedCertificate: Certificate {wrong} is malformed.");
        refuses(&mut world, &upload_signing("bob", &wrong), &refusal);
        let key = escaped(&web().key);
        let wrong = escaped(&wrong);
        let upload = format!(
            "UploadServerCertificate&ServerCertificateName=web&CertificateBody={wrong}&PrivateKey={key}"
        );
        refuses(&mut world, &upload, &refusal);
    }
    refuses(&mut world, &upload_signing("bob", &made()[3].body), "InvalidCertificate: ");
    refuses(&mut world, &upload_signing("bob", &made()[4].body), "InvalidCertificate: ");
    let long = "a".repeat(16_385);
    refuses(&mut world, &upload_signing("bob", &long), "ValidationError: ");
}

fn upload(name: &str, members: &str) -> String {
    format!("UploadServerCertificate&ServerCertificateName={name}&{members}")
}

#[test]
fn a_server_certificate_needs_its_key_and_its_issuers() {
    let mut world = world();
    let [issuer, web, stranger, ended, early] = made();
    let with_key =
        |key: &str| format!("CertificateBody={}&PrivateKey={}", escaped(&web.body), escaped(key));
    let with_chain = |chain: &str| format!("{}&CertificateChain={}", web.members(), escaped(chain));
    let key = &web.key;
    for (members, code) in [
        (with_key(&stranger.key), "KeyPairMismatch: "),
        (with_key("garbage"), "MalformedCertificate: "),
        (with_key(&format!("{key}{key}")), "MalformedCertificate: "),
        (with_key(&key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "MalformedCertificate: "),
        (with_key(&web.body), "MalformedCertificate: "),
        (with_chain(&stranger.body), "MalformedCertificate: "),
        (with_chain(&web.body), "MalformedCertificate: "),
        (with_chain(&format!("{}{}", stranger.body, issuer.body)), "MalformedCertificate: "),
        (with_chain(&format!("{}{}", issuer.body, stranger.body)), "MalformedCertificate: "),
        (with_chain(&format!("{}x", issuer.body)), "MalformedCertificate: "),
        (with_chain(&issuer.body.repeat(33)), "MalformedCertificate: "),
        (ended.members(), "MalformedCertificate: "),
        (early.members(), "MalformedCertificate: "),
    ] {
        refuses(&mut world, &upload("web", &members), code);
    }
    let root = world.root();
    world.ok(&root, &upload("one", &web.members()));
    world.ok(&root, &upload("two", &with_chain(&issuer.body)));
    world.ok(&root, &upload("three", &stranger.members()));
}

#[test]
fn a_server_certificate_lives_and_never_shows_its_key() {
    let mut world = world();
    let root = world.root();
    let chain = escaped(&issuer().body);
    let members = format!("Path=/x/&{}&CertificateChain={chain}", web().members());
    let answer = world.ok(&root, &upload("Web", &members));
    let id = text(&answer["ServerCertificateMetadata"]["ServerCertificateId"]);
    assert!(id.starts_with("ASCA"));
    let metadata = |path: &str, name: &str| {
        json!({"Path": path, "ServerCertificateName": name, "ServerCertificateId": id,
            "Arn": format!("arn:aws:iam::{ACCOUNT}:server-certificate{path}{name}"),
            "UploadDate": NOW.seconds(), "Expiration": 1_830_297_600})
    };
    assert_eq!(answer, json!({"ServerCertificateMetadata": metadata("/x/", "Web")}));
    refuses(
        &mut world,
        &upload("WEB", &web().members()),
        "EntityAlreadyExists: The Server Certificate with name WEB already exists.",
    );
    let shown = world.ok(&root, "GetServerCertificate&ServerCertificateName=Web");
    assert_eq!(
        shown["ServerCertificate"],
        json!({"ServerCertificateMetadata": metadata("/x/", "Web"), "CertificateBody": web().body,
            "CertificateChain": issuer().body, "Tags": []})
    );
    let rename = "UpdateServerCertificate&ServerCertificateName=Web&NewServerCertificateName=Net";
    world.ok(&root, &format!("{rename}&NewPath=/"));
    let listed = world.ok(&root, "ListServerCertificates");
    assert_eq!(listed["ServerCertificateMetadataList"], json!([metadata("/", "Net")]));
    assert_eq!(world.ok(&root, "GetAccountSummary")["SummaryMap"]["ServerCertificates"], 1);
    let elsewhere = world.ok(&root, "ListServerCertificates&PathPrefix=/x/");
    assert_eq!(elsewhere["ServerCertificateMetadataList"], json!([]));
    refuses(
        &mut world,
        "GetServerCertificate&ServerCertificateName=Web",
        "NoSuchEntity: The Server Certificate with name Web cannot be found.",
    );
    world.ok(&root, "DeleteServerCertificate&ServerCertificateName=Net");
    refuses(&mut world, "DeleteServerCertificate&ServerCertificateName=Net", "NoSuchEntity: ");
}

#[test]
fn a_server_certificate_in_use_is_not_deleted() {
    let mut world = world();
    let root = world.root();
    let answer = world.ok(&root, &upload("used", &web().members()));
    let id = text(&answer["ServerCertificateMetadata"]["ServerCertificateId"]);
    world.ok(&root, &upload("unused", &web().members()));
    world.facts.certificate_users.insert("used".to_owned(), "gateway 127.0.0.1:4261".to_owned());
    refuses(
        &mut world,
        "DeleteServerCertificate&ServerCertificateName=used",
        &format!(
            "DeleteConflict: Certificate: {id} is currently in use by gateway 127.0.0.1:4261. Please remove it first before deleting it from IAM."
        ),
    );
    world.ok(&root, "DeleteServerCertificate&ServerCertificateName=unused");
    world.facts.certificate_users.clear();
    world.ok(&root, "DeleteServerCertificate&ServerCertificateName=used");
}

#[test]
fn twenty_server_certificates_and_no_more() {
    let mut world = world();
    let root = world.root();
    for number in 0..20 {
        world.ok(&root, &upload(&format!("web{number}"), &web().members()));
    }
    refuses(
        &mut world,
        &upload("web20", &web().members()),
        "LimitExceeded: Cannot exceed quota for ServerCertificates: 20",
    );
    refuses(&mut world, &upload("web1", &web().members()), "EntityAlreadyExists: ");
}

#[test]
fn a_state_read_from_rows_has_the_same_certificates() {
    let mut world = world();
    let root = world.root();
    world.ok(&root, &upload_key("bob", SSH_KEY));
    world.ok(&root, &upload_signing("bob", &web().body));
    world.ok(&root, &upload("web", &web().members()));
    let read = crate::test_support::rebuilt(&world.rows);
    let account = ACCOUNT.parse().unwrap();
    let (own, read) = (world.state.account(account).unwrap(), read.account(account).unwrap());
    let picture = |account: &crate::state::Account| {
        let user = crate::state::KeyOwner::User(account.users().named("bob").unwrap().id);
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            account.ssh_public_keys().of(user).collect::<Vec<_>>(),
            account.signing_certificates().of(user).collect::<Vec<_>>(),
            account.server_certificates().iter().collect::<Vec<_>>(),
            account.ssh_public_keys().index_sizes(),
            account.signing_certificates().index_sizes(),
        )
    };
    assert_eq!(picture(own), picture(read));
    // INVARIANT: no secret prints.
    assert!(!picture(own).contains(web().key.lines().nth(1).unwrap()));
}

#[test]
fn private_keys_of_every_kind_are_read() {
    let half = |key: &str| crate::certificate::PublicHalf::of(&Secret::from(key.to_owned()));
    assert!(half(&web().key).is_some());
    assert_eq!(half(RSA_PKCS1), half(RSA_PKCS8));
    assert!(half(RSA_PKCS1).is_some());
    assert!(half(EC_SEC1).is_some());
    assert_eq!(half(RSA_ENCRYPTED), None);
}
const RSA_PKCS1: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAp+Nk4pjSs1HEDRaknOpYVpmh5Hm24BCht5E+noW+GuX00ExT
Nk3L8QTqbVpgf66vM69CiyrZ1Xzhs/pbzTGbSEfQOtTMqZztYQOgY2fB+uJVbdh5
UkD6i37cOqwPH4zrlCKPRiCVfmFkz0bOZKZV8+IPcUohTJeHFRHRU8kYjcWO+ht8
zhUoNHGWv0hRbbjTAdMRPcOXWDj9VKSkYJPWSqs/J3LCuieqATybgCqF4+0jHi2m
clpDxUj1TUxfL5TI3ZF1jUqgLZxXqQmyCZbUVDE6mkRHPuZhJV646Kjt5n1LPXjP
uQTPqjFadBN596yXspUjUX+SxgqrlzbBH5wWIQIDAQABAoIBADSBWTvEr6CFIds2
CaVJZPcwdQEPT7IjgW/3bK4HBb1DzZyXQi7pha6K6wXoDeXgq8puNVFwxU+PDsdK
tQsnSHkCfIzpoFgrS9HbYH22JWRhBHamDMs8px6ZPibbSJ+FYuehJ023QwmTTAPH
ESVJH/h16n5zwJZDjWt5dw3NBnDPpfekvmYMpPHsyVMwkbesHBw6/gy8j4//98Aj
A/fgKxnyLrHbQw/e6WjQIPvoqiDoEDemEIZBu6oeL0zxpaPBYBtBobqiTk0cGJ3j
XNLbiswvpyVJq5H/yd+mLl/tQ6B15TjPa7wiO1e0Ou3lCqujWOiabYvQhXioQODn
ii7YoUECgYEA482eodCYVA/g5c7gpyxjioH1/PcNRBw0LejsFR7obyCdSnpYCQAq
yApug4AAtqoWjr9C5NdqEuMCc2daw4jTpefH75PqHUJJ/p4htiNCL6j0T1jTPyCW
kivOSMTDLTmbo/yKTSRhRCNnj0JiG2zLCEUVEAoGR+mJU9Kj8rM7QMMCgYEAvKtB
Ofsmwiy8t1WaKg1mn1PPKVz2Ukc3RiBx9qO9wF4/aLwrDR9ItRpCFKccvoTzviRI
x9ipbBbpQzVFHEiKVMNnozKuievKlRImmeYGu8EXG1s2ESpcQBfwlm8X3nsAW7qU
H7ajQHYBt5U3KGBWz9P6gLc17dG9+e08iP9tn0sCgYBdLDumqX+0Wi49MElYduJb
w14OUim94t9Aq9TrqpGc6jULQlEBlWzqFsIuzMr960GArx+4I5dCFFFrTCmmci9G
2y8+gTwvLW7AUoMtUOyAO9V5IrZ8SmLrdDlSMBA4TiingOI8PRX/XY+824Tu/Kdq
QX8k6US6Yv2FKFFgMgiZKwKBgQCCMoReqMzEbu8EbZRntLu+860gVEC/4tloEXfT
xodpuyBy/HeRJKeeIrK7Yd9aMpGqA4weLYwtRVpPwPEiZYTgncBlRNJh50/zs4Tj
63N2GfgCLt2O1va2XE7w4VVNeQB0TLtvbzAVidoBgH2B5YnC/fv+22/h4D4DvQ1r
VSmnJQKBgQDOrIFQOOpq4f2t+papW2j7XeI6SX37AOIAQKNlsLJx9hWLhRX+uzxD
OTgls//+okWpzo9llanxTExIdnYJxmuQD7MzGLxCef3C5GOdqH+DcemWNZtV69l1
EZOGiH+m+RJWhEZDaVvS/D5vG419lczJR4WRK+TBdhhoW7nvimv3Tw==
-----END RSA PRIVATE KEY-----";
const RSA_PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCn42TimNKzUcQN
FqSc6lhWmaHkebbgEKG3kT6ehb4a5fTQTFM2TcvxBOptWmB/rq8zr0KLKtnVfOGz
+lvNMZtIR9A61MypnO1hA6BjZ8H64lVt2HlSQPqLftw6rA8fjOuUIo9GIJV+YWTP
Rs5kplXz4g9xSiFMl4cVEdFTyRiNxY76G3zOFSg0cZa/SFFtuNMB0xE9w5dYOP1U
pKRgk9ZKqz8ncsK6J6oBPJuAKoXj7SMeLaZyWkPFSPVNTF8vlMjdkXWNSqAtnFep
CbIJltRUMTqaREc+5mElXrjoqO3mfUs9eM+5BM+qMVp0E3n3rJeylSNRf5LGCquX
NsEfnBYhAgMBAAECggEANIFZO8SvoIUh2zYJpUlk9zB1AQ9PsiOBb/dsrgcFvUPN
nJdCLumFrorrBegN5eCrym41UXDFT48Ox0q1CydIeQJ8jOmgWCtL0dtgfbYlZGEE
dqYMyzynHpk+JttIn4Vi56EnTbdDCZNMA8cRJUkf+HXqfnPAlkONa3l3Dc0GcM+l
96S+Zgyk8ezJUzCRt6wcHDr+DLyPj//3wCMD9+ArGfIusdtDD97paNAg++iqIOgQ
N6YQhkG7qh4vTPGlo8FgG0GhuqJOTRwYneNc0tuKzC+nJUmrkf/J36YuX+1DoHXl
OM9rvCI7V7Q67eUKq6NY6Jpti9CFeKhA4OeKLtihQQKBgQDjzZ6h0JhUD+DlzuCn
LGOKgfX89w1EHDQt6OwVHuhvIJ1KelgJACrICm6DgAC2qhaOv0Lk12oS4wJzZ1rD
iNOl58fvk+odQkn+niG2I0IvqPRPWNM/IJaSK85IxMMtOZuj/IpNJGFEI2ePQmIb
bMsIRRUQCgZH6YlT0qPysztAwwKBgQC8q0E5+ybCLLy3VZoqDWafU88pXPZSRzdG
IHH2o73AXj9ovCsNH0i1GkIUpxy+hPO+JEjH2KlsFulDNUUcSIpUw2ejMq6J68qV
EiaZ5ga7wRcbWzYRKlxAF/CWbxfeewBbupQftqNAdgG3lTcoYFbP0/qAtzXt0b35
7TyI/22fSwKBgF0sO6apf7RaLj0wSVh24lvDXg5SKb3i30Cr1OuqkZzqNQtCUQGV
bOoWwi7Myv3rQYCvH7gjl0IUUWtMKaZyL0bbLz6BPC8tbsBSgy1Q7IA71XkitnxK
Yut0OVIwEDhOKKeA4jw9Ff9dj7zbhO78p2pBfyTpRLpi/YUoUWAyCJkrAoGBAIIy
hF6ozMRu7wRtlGe0u77zrSBUQL/i2WgRd9PGh2m7IHL8d5Ekp54isrth31oykaoD
jB4tjC1FWk/A8SJlhOCdwGVE0mHnT/OzhOPrc3YZ+AIu3Y7W9rZcTvDhVU15AHRM
u29vMBWJ2gGAfYHlicL9+/7bb+HgPgO9DWtVKaclAoGBAM6sgVA46mrh/a36lqlb
aPtd4jpJffsA4gBAo2WwsnH2FYuFFf67PEM5OCWz//6iRanOj2WVqfFMTEh2dgnG
a5APszMYvEJ5/cLkY52of4Nx6ZY1m1Xr2XURk4aIf6b5ElaERkNpW9L8Pm8bjX2V
zMlHhZEr5MF2GGhbue+Ka/dP
-----END PRIVATE KEY-----";
const RSA_ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIUa/5e1Q89/8CAggA
MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBA9I30URM9YquId7oG25DuWBIIE
0JkvgzHCW9WODqoDwBYJfoj2peqFb4VwQmHwu14bRXgeaeN1supkqJKXnqAo2z8K
bgzgotGdE8CToVhV4vhupN6IigrM+7r0esxGehdk9z037lHPBcU5pzZ9EqCfvhSe
I5iEd7Z+FMuWAG6WdpMPgyZElCOdPY03n+DFb5DTQqHMVtb0d4uGJjhQyrt8tmf7
czxprRXWXmauPT6Oxto/wz4pszJbkNKOgalUvhqZaGNhHYM32uEGdFNplv6Vp03p
42V2lKeOMtey9FEynVOedTnLkp1dVHeDwZhh38Lc58h/GrcodIsaaIpIqqiWqIAp
/i9Mt2FMAjUoOSKpQo/tRc7YExYMQVQvkjPPMudPQBeLdlw2rzjmdp+f4t46lVw5
rJ2rbOv2/RUdog7+bjNA74c8M/NEqkAzX/vq4Uzlv+3OQCYiqaY0P0I35fyGpxTw
wBasfGCc/0ObyatenzG7LQu+dzgH8a1eKCMUP9dF5eAJwL9tuge97IM6uGNllBdh
PBeWwLQtBk7rm/LVHZgeAfzd/FGI984ahFcP/zAYpxECjHIk4oGFnm3GrzPpMGq4
P5BzAO3ZyLrRWXcLHTuwNvNVsPFyuE78kHS5jaPKUUje1vnfCUgq6nmWZWFOka7C
AtJiJ2biRHb0PTzeGyrE/96fogbxTBl+3PXrEG9sLVkknL/sFwtvDtyV/G7r7NmR
ak7qEJJ+r3Jl9DhyjkD8xIiLkrhCJikggz5izwaHJ6xWnfIVh8ByFMFGVbTLkTAb
pttxF10+SSZU04I216bQk0qQ4rB01xFnsrYcZNcCx4RU3nnbRikFOnp16deqRdUk
Qu3iBXVuAZ8MGl9QUobTiU8rEf8ipgewMyvHW0Oz9ci1nYo2PlEJoBP27EvynWM9
qmhY5dUGuzqDG9FrNqo9FiUEkf+OR931jWklIf+OsplhSHl15mDYrFdabAguxohT
pq0ay8MZw5V5MrU+CsGcXoZZFrJ4g+agSFa+eOY9ksVcVeC7Y7ChfZ3/qgvAh9YY
6TskJEax/rYs9GltLy2ZJminZBbfseXGeTAzLwG8jDcX93iIO4WyQCrF5w78pgZC
1TsKjlKoLVHvWcfkR7zFQnoC6sdjbPs8bh++9/WdhcLmderqWYeRwq9MRRR0CJtM
TPuX1hZXvv+26xs6Ygo8zZ5sLO2v67S1Q0//zJYsasrKwlTu9us5iu0sSPJrkBzC
zmgs0YZ2lQAEtH70+LR4OtMy9YiWqqL0wTvNm7TohJ4aWMAzLi7xllwsE64Zuami
EMpRKot0jPFg5shFKCvk9rjabseB5zHEhUyXMM7sepupX2ltVTn2GJ/vm+j6h6sp
mXU+sYozlNX1AL8VWMZBTA9OZSRmnv+wZMsFrMOpVw9IzmyfmRkg4Gex6AcW8aqb
g46HZ6sCnqmoiWCBFxplT69KCuuOcefOdXZIdsVP2bmEypCo0wlfKFXPtXrD5H6K
jApwIifconpaEZrbYsZNSxkcfPitW+m3Unz9WEMtPS0yBLXascbNTncnfRgPyUin
MHWggcTQlha336sCQfOhTt0Qb191dYjcld4PnBMSuO04QPKmQZMIR0iHi8DcmhWY
A+MM+Kwc2aNgaMXa4yUoPHk/XNuSfJDcTJYjSUxS19Sa
-----END ENCRYPTED PRIVATE KEY-----";
const EC_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDDsCYn5Et3fl/SdJqwlxAg7vIMXary1boAlz/+WO4Zfjk/Lm8eWOIw7
SmWkjzCCd7ugBwYFK4EEACKhZANiAARiY2SsiMMpuQtBzVP7wr/NsScsl1P9wuoM
2bhjXVLAPq+dUuTVH5tGMHrvQfbCUIPDoDI+W1a5/J/n43KsKcAy8Yr2UanbyREb
Glxw3fwif5XcT7JM8/FNSgYN63ZAK/k=
-----END EC PRIVATE KEY-----";
