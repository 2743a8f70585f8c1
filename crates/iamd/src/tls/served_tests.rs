//! Tests of certificates that accounts keep and a listener serves.

use iamd_core::draw::Draw;
use iamd_core::founding::{self, NewAccount};
use iamd_core::state::{Change, Entity, EntityKey};
use iamd_wire::Secret;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};

use super::*;

const ACCOUNT: &str = "111122223333";
const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);
const DAY: i64 = 86_400;
/// What every client offers.
const ECDSA: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];

/// An account, and the certificates in it.
struct World {
    state: State,
    draws: u8,
}

impl World {
    fn new() -> World {
        let mut world = World { state: State::default(), draws: 0 };
        let new = NewAccount {
            id: Some(ACCOUNT.parse().unwrap()),
            root_email: "root@example.com".to_owned(),
            root_password_hash: "hash".into(),
            first_key: None,
        };
        let mut draw = world.draw();
        let founded = founding::found(&world.state, &new, &mut draw).unwrap();
        for changes in &founded.changes {
            world.state.apply(changes);
        }
        world
    }

    fn draw(&mut self) -> Draw {
        self.draws += 1;
        Draw::new(NOW, [self.draws; 32])
    }

    fn account(&self) -> &Account {
        self.state.account(ACCOUNT.parse().unwrap()).unwrap()
    }

    fn change(&mut self, change: Change) {
        let changes = iamd_core::state::AccountChanges {
            account: ACCOUNT.parse().unwrap(),
            changes: vec![change],
        };
        self.state.apply(&changes);
    }

    fn upload(&mut self, name: &str, hosts: &[&str]) -> UniqueId {
        self.upload_of(name, hosts, 90, &PKCS_ECDSA_P256_SHA256)
    }

    fn upload_of(
        &mut self,
        name: &str,
        hosts: &[&str],
        days: i64,
        algorithm: &'static SignatureAlgorithm,
    ) -> UniqueId {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        let start = rcgen::date_time_ymd(2026, 1, 1);
        let end = NOW.seconds() - 1_767_225_600 + days * DAY;
        params.not_before = start;
        params.not_after = start + std::time::Duration::from_secs(u64::try_from(end).unwrap());
        let key = KeyPair::generate_for(algorithm).unwrap();
        let prefix = iamd_core::unique_id::IdPrefix::ServerCertificate;
        let id = UniqueId::draw(prefix, ACCOUNT.parse().unwrap(), &mut self.draw());
        let certificate = ServerCertificate {
            id,
            name: name.into(),
            path: "/".into(),
            uploaded: NOW,
            expiration: Timestamp::from_seconds(NOW.seconds() + days * DAY),
            body: params.self_signed(&key).unwrap().pem().into(),
            chain: None,
            private_key: Secret::from(key.serialize_pem()),
            tags: Vec::new(),
        };
        self.change(Change::Put(Entity::ServerCertificate(certificate)));
        id
    }

    fn rename(&mut self, from: &str, to: &str) {
        let known = self.account().server_certificates().named(from).unwrap();
        let certificate = ServerCertificate { name: to.into(), ..ServerCertificate::clone(known) };
        self.change(Change::Put(Entity::ServerCertificate(certificate)));
    }

    fn serve(&self, names: &[&str]) -> ServedCertificates {
        let arns: Vec<String> = names.iter().map(|name| arn(name)).collect();
        ServedCertificates::find(&arns, "gateway here", &self.state).unwrap()
    }

    /// Which certificate a client gets who asks for a name.
    fn chosen(&self, served: &ServedCertificates, asked: Option<&str>) -> UniqueId {
        served.refresh(&self.state, NOW);
        id_of(served, &served.choose(asked, ECDSA, NOW).unwrap())
    }

    fn refusal(&self, arns: &[&str]) -> String {
        let arns: Vec<String> = arns.iter().map(|arn| (*arn).to_owned()).collect();
        ServedCertificates::find(&arns, "gateway here", &self.state).unwrap_err().to_string()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:server-certificate/{name}")
}

fn id_of(served: &ServedCertificates, chosen: &Arc<CertifiedKey>) -> UniqueId {
    let mut taken = served.named.iter().map(|named| named.taken.load_full());
    taken.find(|taken| Arc::ptr_eq(&taken.certified, chosen)).unwrap().id
}

#[test]
fn a_client_gets_the_certificate_for_the_name_that_it_asks_for() {
    let mut world = World::new();
    let first = world.upload("first", &["first.example"]);
    let wild = world.upload("wild", &["*.example.com", "example.com"]);
    let exact = world.upload("exact", &["S3.example.com"]);
    let served = world.serve(&["first", "wild", "exact"]);
    for (asked, id) in [
        (None, first),
        (Some("first.example"), first),
        (Some("s3.example.com"), exact),
        (Some("S3.EXAMPLE.COM"), exact),
        (Some("other.example.com"), wild),
        (Some("example.com"), wild),
        // A wildcard stands for one label, and for a whole one.
        (Some("a.b.example.com"), first),
        (Some(".example.com"), first),
        (Some("xs3.example.org"), first),
        (Some("*.example.com"), wild),
    ] {
        assert_eq!(world.chosen(&served, asked), id, "{asked:?}");
    }
}

#[test]
fn a_certificate_that_the_client_can_check_and_that_is_in_force_counts_first() {
    let mut world = World::new();
    world.upload_of("other", &["a.example"], 90, &PKCS_ED25519);
    let ended = world.upload_of("ended", &["a.example", "b.example"], -1, &PKCS_ECDSA_P256_SHA256);
    let good = world.upload("good", &["a.example"]);
    let wild = world.upload("wild", &["*.c.example"]);
    world.upload_of("exact", &["x.c.example"], -1, &PKCS_ECDSA_P256_SHA256);
    let served = world.serve(&["other", "ended", "good", "wild", "exact"]);
    assert_eq!(world.chosen(&served, Some("x.c.example")), wild);
    assert_eq!(world.chosen(&served, Some("a.example")), good);
    // One that has ended is better than one for another name.
    assert_eq!(world.chosen(&served, Some("b.example")), ended);
}

#[test]
fn whichever_certificate_has_the_arn_is_served() {
    let mut world = World::new();
    let old = world.upload("www", &["a.example"]);
    let served = world.serve(&["www"]);
    let user = |world: &World, name: &str| {
        let account = world.account();
        let certificate = account.server_certificates().named(name).unwrap();
        served.user_of(account, certificate).map(String::from)
    };
    assert_eq!(user(&world, "www").as_deref(), Some("gateway here"));
    world.rename("www", "www-2025");
    let new = world.upload("www-2026", &["a.example"]);
    // Nothing has the ARN: the last one goes on, and is in use.
    assert_eq!(world.chosen(&served, None), old);
    assert_eq!(user(&world, "www-2025").as_deref(), Some("gateway here"));
    assert_eq!(user(&world, "www-2026"), None);
    world.rename("www-2026", "www");
    // It may go as soon as another has taken its place, whether anybody shook hands since or not.
    assert_eq!(user(&world, "www-2025"), None);
    assert_eq!(user(&world, "www").as_deref(), Some("gateway here"));
    assert_eq!(world.chosen(&served, None), new);
}

#[test]
fn what_is_gone_is_served_until_another_comes() {
    let mut world = World::new();
    let old = world.upload("www", &["a.example"]);
    let served = world.serve(&["www"]);
    // Another node, which serves nothing, has deleted it.
    world.change(Change::Remove(EntityKey::ServerCertificate(old)));
    assert_eq!(world.chosen(&served, Some("a.example")), old);
    assert!(!served.facts(&world.state)[0].is_there);
    let new = world.upload("www", &["a.example"]);
    assert_eq!(world.chosen(&served, Some("a.example")), new);
    let facts = served.facts(&world.state);
    assert!(facts[0].is_there);
    assert_eq!(facts[0].id, new.to_string());
}

#[test]
fn a_certificate_that_cannot_be_loaded_changes_nothing() {
    let mut world = World::new();
    let old = world.upload("www", &["a.example"]);
    let served = world.serve(&["www"]);
    world.rename("www", "old");
    world.upload("www", &["a.example"]);
    let broken = world.account().server_certificates().named("www").unwrap();
    let private_key = Secret::from("none".to_owned());
    let broken = ServerCertificate { private_key, ..ServerCertificate::clone(broken) };
    world.change(Change::Put(Entity::ServerCertificate(broken)));
    assert_eq!(world.chosen(&served, None), old);
}

#[test]
fn what_cannot_be_served_is_refused_at_the_start() {
    let mut world = World::new();
    world.upload("www", &["a.example"]);
    for (arns, words) in [
        (vec!["www".to_owned()], "is none of a server certificate"),
        (vec![format!("arn:aws:iam::{ACCOUNT}:user/www")], "is none of a server certificate"),
        (vec!["arn:aws:iam::1:server-certificate/www".to_owned()], "is none of a server"),
        (
            vec!["arn:aws:iam::999999999999:server-certificate/www".to_owned()],
            "an account that is not there",
        ),
        (vec![arn("other")], "upload it with"),
        (vec![arn("x/www")], "is not there; there is"),
        (vec![arn("WWW")], "is not there; there is"),
        (vec![arn("www"), arn("www")], "is named twice"),
        (vec![arn("www"); CERTIFICATES_MAX + 1], "at most 25 certificates, not 26"),
    ] {
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let refusal = world.refusal(&arns);
        assert!(refusal.contains(words), "{refusal}");
    }
}
