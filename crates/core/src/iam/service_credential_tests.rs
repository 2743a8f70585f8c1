//! Service-specific credentials: what is made, shown once, changed and refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::test_support::{ALLOW_ALL, NOW, World};

const GIT: &str = "codecommit.amazonaws.com";
const MODELS: &str = "bedrock.amazonaws.com";

fn world() -> World {
    World::with(&["CreateUser&UserName=bob", "CreateUser&UserName=ann"])
}

fn create(user: &str, service: &str) -> String {
    format!("CreateServiceSpecificCredential&UserName={user}&ServiceName={service}")
}

/// What a creation or a reset answers.
fn made(world: &mut World, request: &str) -> Value {
    let root = world.root();
    world.ok(&root, request)["ServiceSpecificCredential"].take()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn refuses(world: &mut World, request: &str, refusal: &str) {
    let before = world.rows.clone();
    let root = world.root();
    let refused = world.refusal(&root, request);
    assert!(refused.starts_with(refusal), "{request}\n  {refused}");
    assert_eq!(world.rows, before);
}

fn on(operation: &str, user: &str, credential: &Value) -> String {
    let id = text(&credential["ServiceSpecificCredentialId"]);
    format!("{operation}&UserName={user}&ServiceSpecificCredentialId={id}")
}

fn listed(world: &mut World, request: &str) -> Vec<Value> {
    let root = world.root();
    let answer = world.ok(&root, &format!("ListServiceSpecificCredentials&{request}"));
    answer["ServiceSpecificCredentials"].as_array().unwrap().clone()
}

/// Whether the account keeps the digest of this secret, and nowhere the secret.
fn is_kept(world: &World, secret: &str) -> bool {
    let holds = |part: &[u8]| {
        world.rows.values().any(|row| row.windows(part.len()).any(|window| window == part))
    };
    assert!(!holds(secret.as_bytes()));
    holds(&Sha256::digest(secret))
}

#[test]
fn a_password_is_shown_once() {
    let mut world = world();
    let mut credential = made(&mut world, &create("bob", GIT));
    let password = text(&credential["ServicePassword"].take()).to_owned();
    assert_eq!(STANDARD.decode(&password).unwrap().len(), 32);
    assert!(is_kept(&world, &password));
    let id = text(&credential["ServiceSpecificCredentialId"]).to_owned();
    assert!(id.starts_with("ACCA") && id.len() == 21);
    let facts = json!({
        "CreateDate": NOW.seconds(), "ServiceName": GIT,
        "ServiceUserName": "bob-at-111122223333", "ServiceSpecificCredentialId": id,
        "UserName": "bob", "Status": "Active",
    });
    let mut expected = facts.clone();
    expected["ServicePassword"] = Value::Null;
    assert_eq!(credential, expected);
    assert_eq!(listed(&mut world, "UserName=bob"), [facts]);
}

#[test]
fn a_reset_ends_the_old_secret() {
    let mut world = world();
    for (service, member) in [(GIT, "ServicePassword"), (MODELS, "ServiceCredentialSecret")] {
        let before = made(&mut world, &create("bob", service));
        let after = made(&mut world, &on("ResetServiceSpecificCredential", "bob", &before));
        assert!(!is_kept(&world, text(&before[member])));
        assert!(is_kept(&world, text(&after[member])));
        assert_eq!(before["ServiceSpecificCredentialId"], after["ServiceSpecificCredentialId"]);
    }
}

#[test]
fn an_api_key_carries_its_alias_and_may_end() {
    let mut world = world();
    let root = world.root();
    let request = format!("{}&CredentialAgeDays=30", create("bob", MODELS));
    let credential = made(&mut world, &request);
    let end = NOW.seconds() + 30 * 86_400;
    assert_eq!(credential["ExpirationDate"], end);
    let alias = text(&credential["ServiceCredentialAlias"]);
    assert_eq!(alias, "bob-at-111122223333");
    let key = text(&credential["ServiceCredentialSecret"]).strip_prefix("ABSK").unwrap();
    let key = String::from_utf8(STANDARD.decode(key).unwrap()).unwrap();
    assert!(key.starts_with(&format!("{alias}:")));
    assert!(credential.get("ServiceUserName").is_none());
    let status = |world: &mut World| listed(world, "UserName=bob")[0]["Status"].clone();
    world.now = Timestamp::from_seconds(end - 1);
    assert_eq!(status(&mut world), "Active");
    world.now = Timestamp::from_seconds(end);
    assert_eq!(status(&mut world), "Expired");
    // What has ended does not begin again.
    let update = on("UpdateServiceSpecificCredential", "bob", &credential);
    world.ok(&root, &format!("{update}&Status=Active"));
    assert_eq!(status(&mut world), "Expired");
    refuses(&mut world, &format!("{update}&Status=Expired"), "ValidationError: ");
    refuses(
        &mut world,
        &format!("{}&CredentialAgeDays=30", create("ann", GIT)),
        "ValidationError: CredentialAgeDays is not supported for codecommit.amazonaws.com",
    );
    for days in [0, 36_601] {
        let request = format!("{}&CredentialAgeDays={days}", create("ann", MODELS));
        refuses(&mut world, &request, "ValidationError: 1 validation error detected");
    }
}

#[test]
fn two_are_the_most_for_each_service() {
    let mut world = world();
    let first = made(&mut world, &create("bob", GIT));
    let second = made(&mut world, &create("bob", GIT));
    assert_eq!(second["ServiceUserName"], "bob+1-at-111122223333");
    let full = "LimitExceeded: Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2";
    refuses(&mut world, &create("bob", GIT), full);
    made(&mut world, &create("bob", "cassandra.amazonaws.com"));
    made(&mut world, &create("ann", GIT));
    let root = world.root();
    world.ok(&root, &on("DeleteServiceSpecificCredential", "bob", &first));
    assert_eq!(made(&mut world, &create("bob", GIT))["ServiceUserName"], first["ServiceUserName"]);
}

/// The public part of a credential does not change with the user's name, and nobody else gets it.
#[test]
fn names_outlive_renaming() {
    let mut world = world();
    let root = world.root();
    made(&mut world, &create("bob", GIT));
    world.ok(&root, "UpdateUser&UserName=bob&NewUserName=rob");
    let credentials = listed(&mut world, "UserName=rob");
    assert_eq!(credentials[0]["ServiceUserName"], "bob-at-111122223333");
    assert_eq!(credentials[0]["UserName"], "rob");
    world.ok(&root, "CreateUser&UserName=bob");
    let credential = made(&mut world, &create("bob", GIT));
    assert_eq!(credential["ServiceUserName"], "bob+1-at-111122223333");
}

#[test]
fn a_credential_belongs_to_one_user() {
    let mut world = world();
    let root = world.root();
    let credential = made(&mut world, &create("bob", GIT));
    let id = text(&credential["ServiceSpecificCredentialId"]);
    let missing = format!("NoSuchEntity: No such credential {id} exists");
    let update = on("UpdateServiceSpecificCredential", "ann", &credential);
    for request in [
        on("DeleteServiceSpecificCredential", "ann", &credential),
        on("ResetServiceSpecificCredential", "ann", &credential),
        format!("{update}&Status=Inactive"),
        // Root has none.
        format!("DeleteServiceSpecificCredential&ServiceSpecificCredentialId={id}"),
    ] {
        refuses(&mut world, &request, &missing);
    }
    refuses(
        &mut world,
        &create("bob", "s3.amazonaws.com"),
        "NoSuchEntity: No such service s3.amazonaws.com is supported for Service Specific Credentials",
    );
    let nobody = "NoSuchEntity: The user with name eve cannot be found.";
    refuses(&mut world, &create("eve", "s3.amazonaws.com"), nobody);
    refuses(
        &mut world,
        "DeleteUser&UserName=bob",
        "DeleteConflict: Cannot delete entity, must remove referenced objects first.",
    );
    world.ok(&root, &on("DeleteServiceSpecificCredential", "bob", &credential));
    world.ok(&root, "DeleteUser&UserName=bob");
}

#[test]
fn users_manage_their_own_without_a_name() {
    let mut world = world();
    let root = world.root();
    let credential = made(&mut world, &create("bob", GIT));
    let id = text(&credential["ServiceSpecificCredentialId"]);
    world.ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={ALLOW_ALL}"));
    let bob = world.user("bob");
    let own = world.ok(&bob, "ListServiceSpecificCredentials");
    assert_eq!(own["ServiceSpecificCredentials"].as_array().unwrap().len(), 1);
    let delete = format!("DeleteServiceSpecificCredential&ServiceSpecificCredentialId={id}");
    world.ok(&bob, &delete);
}

#[test]
fn lists_come_in_pages_and_by_service() {
    let mut world = world();
    let root = world.root();
    for user in ["bob", "ann"] {
        for service in [GIT, MODELS, GIT] {
            made(&mut world, &create(user, service));
        }
    }
    for (list, count) in [
        ("UserName=bob", 3),
        ("UserName=bob&ServiceName=bedrock.amazonaws.com", 1),
        ("AllUsers=true", 6),
        ("AllUsers=true&ServiceName=codecommit.amazonaws.com", 4),
        ("AllUsers=false", 0),
    ] {
        let whole = listed(&mut world, list);
        assert_eq!(whole.len(), count, "{list}");
        let mut pages = Vec::new();
        let mut more = String::new();
        loop {
            let request = format!("ListServiceSpecificCredentials&{list}&MaxItems=1{more}");
            let page = world.ok(&root, &request);
            pages.extend(page["ServiceSpecificCredentials"].as_array().unwrap().clone());
            let Some(marker) = page["Marker"].as_str() else { break };
            more = format!("&Marker={marker}");
        }
        assert_eq!(pages, whole, "{list}");
    }
    let users: Vec<Value> = listed(&mut world, "AllUsers=true").into_iter().collect();
    let users: Vec<&str> = users.iter().map(|item| text(&item["UserName"])).collect();
    assert_eq!(users, ["ann", "ann", "ann", "bob", "bob", "bob"]);
    let both = "ListServiceSpecificCredentials&AllUsers=true&UserName=bob";
    refuses(&mut world, both, "InvalidParameterCombination: ");
    let unknown = "ListServiceSpecificCredentials&ServiceName=s3.amazonaws.com";
    refuses(&mut world, unknown, "NoSuchEntity: No such service s3.amazonaws.com");
}

/// Source: Service Authorization Reference, IAM, the condition keys of the actions.
#[test]
fn policies_may_tell_services_and_ages_apart() {
    let mut world = world();
    let root = world.root();
    let credential = made(&mut world, &create("bob", GIT));
    let key = made(&mut world, &create("bob", MODELS));
    let allow = |condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
        )
    };
    let put = |world: &mut World, condition: &str| {
        let document = allow(condition);
        let put = "PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument";
        world.ok(&root, &format!("{put}={document}"));
    };
    let ann = world.user("ann");
    put(
        &mut world,
        r#"{"StringEquals":{"iam:ServiceSpecificCredentialServiceName":"codecommit.amazonaws.com"}}"#,
    );
    let delete = |credential: &Value| on("DeleteServiceSpecificCredential", "bob", credential);
    assert!(world.refusal(&ann, &delete(&key)).starts_with("AccessDenied: "));
    assert!(world.refusal(&ann, &create("ann", MODELS)).starts_with("AccessDenied: "));
    world.ok(&ann, &delete(&credential));
    world.ok(&ann, &create("ann", GIT));
    let age = r#"{"NumericLessThanEquals":{"iam:ServiceSpecificCredentialAgeDays":"90"}}"#;
    put(&mut world, age);
    for (days, allowed) in
        [("&CredentialAgeDays=90", true), ("&CredentialAgeDays=91", false), ("", false)]
    {
        let request = format!("{}{days}", create("ann", MODELS));
        assert_eq!(world.send(&ann, &request).is_ok(), allowed, "{days}");
    }
}
