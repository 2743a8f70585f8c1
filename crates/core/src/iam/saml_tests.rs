//! SAML providers: what is made, shown, changed and refused.

use serde_json::json;

use super::certificate_tests::escaped;
use crate::saml_metadata::tests::{described, signer};
use crate::test_support::{ACCOUNT, NOW, OTHER_ACCOUNT, World};

const ARN: &str = "arn:aws:iam::111122223333:saml-provider/idp";

/// A request that creates a provider of this name.
pub(crate) fn create(name: &str) -> String {
    format!("CreateSAMLProvider&Name={name}&SAMLMetadataDocument={}", metadata(""))
}

/// Metadata as requests carry it, with these attributes.
pub(crate) fn metadata(attributes: &str) -> String {
    escaped(&described("https://idp.example", attributes, ""))
}

fn key() -> String {
    escaped(&signer().key)
}

fn refuses(world: &mut World, request: &str, refusal: &str) {
    let root = world.root();
    let got = world.refusal(&root, request);
    assert!(got.starts_with(refusal), "{request}\n  {got}");
}

fn update(more: &str) -> String {
    format!("UpdateSAMLProvider&SAMLProviderArn={ARN}&{more}")
}

fn shown(world: &mut World) -> serde_json::Value {
    let root = world.root();
    world.ok(&root, &format!("GetSAMLProvider&SAMLProviderArn={ARN}"))
}

#[test]
fn a_provider_is_made_shown_and_deleted() {
    let mut world = World::new();
    let root = world.root();
    assert_eq!(world.ok(&root, &create("idp")), json!({"SAMLProviderArn": ARN}));
    let mut provider = shown(&mut world);
    let id = provider["SAMLProviderUUID"].take();
    let id = id.as_str().unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    );
    let document = provider["SAMLMetadataDocument"].take();
    assert_eq!(document, described("https://idp.example", "", ""));
    // Metadata that says nothing of its end counts for a hundred years.
    let end: iamd_wire::Timestamp = "2126-01-31T12:00:00Z".parse().unwrap();
    assert_eq!(
        provider,
        json!({
            "SAMLProviderUUID": null, "SAMLMetadataDocument": null, "CreateDate": NOW.seconds(),
            "ValidUntil": end.seconds(), "Tags": [], "AssertionEncryptionMode": "Allowed",
            "PrivateKeyList": [],
        })
    );
    let entry = json!({"Arn": ARN, "ValidUntil": end.seconds(), "CreateDate": NOW.seconds()});
    assert_eq!(world.ok(&root, "ListSAMLProviders"), json!({"SAMLProviderList": [entry]}));
    let summary = world.ok(&root, "GetAccountSummary");
    assert_eq!(summary["SummaryMap"]["Providers"], 1);
    world.ok(&root, &format!("DeleteSAMLProvider&SAMLProviderArn={ARN}"));
    assert_eq!(world.ok(&root, "ListSAMLProviders"), json!({"SAMLProviderList": []}));
    for request in ["GetSAMLProvider", "DeleteSAMLProvider", "ListSAMLProviderTags"] {
        let refusal = format!("NoSuchEntity: Manifest not found for arn {ARN}");
        refuses(&mut world, &format!("{request}&SAMLProviderArn={ARN}"), &refusal);
    }
}

#[test]
fn names_differ_and_belong_to_their_account() {
    let mut world = World::with(&[&create("idp")]);
    let root = world.root();
    let taken = "EntityAlreadyExists: Provider with name idp already exists.";
    refuses(&mut world, &create("idp"), taken);
    world.ok(&root, &create("Idp"));
    let foreign = ARN.replace(ACCOUNT, OTHER_ACCOUNT);
    refuses(&mut world, &format!("GetSAMLProvider&SAMLProviderArn={foreign}"), "NoSuchEntity: ");
    for more in ["/x", "", "x"] {
        let near = format!("GetSAMLProvider&SAMLProviderArn={}{more}", ARN.replace("idp", "id"));
        refuses(&mut world, &near, "NoSuchEntity: ");
    }
    for number in 2..100 {
        world.ok(&root, &create(&format!("idp{number}")));
    }
    let full = "LimitExceeded: Cannot exceed quota for SAMLProvidersPerAccount: 100";
    refuses(&mut world, &create("more"), full);
}

#[test]
fn metadata_is_read_before_it_is_kept() {
    let mut world = World::with(&[&create("idp")]);
    let root = world.root();
    let ended = r#"validUntil="2026-01-01T00:00:00Z""#;
    world.ok(&root, &update(&format!("SAMLMetadataDocument={}", metadata(ended))));
    let end: iamd_wire::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(shown(&mut world)["ValidUntil"], end.seconds());
    let none = escaped(&format!("<a>{}</a>", " ".repeat(1_000)));
    let refusal = "InvalidInput: Could not parse metadata: its root is neither";
    refuses(&mut world, &update(&format!("SAMLMetadataDocument={none}")), refusal);
    let request = format!("CreateSAMLProvider&Name=other&SAMLMetadataDocument={none}");
    refuses(&mut world, &request, refusal);
}

#[test]
fn all_metadata_of_an_account_is_bounded() {
    let mut world = World::new();
    let root = world.root();
    let large = metadata("") + &"+".repeat(9_900_000);
    let create =
        |name: &str| format!("CreateSAMLProvider&Name={name}&SAMLMetadataDocument={large}");
    for name in ["idp", "b", "c", "d"] {
        world.ok(&root, &create(name));
    }
    let full = "LimitExceeded: Cannot exceed quota for SAMLMetadataBytesPerAccount: 40000000";
    refuses(&mut world, &create("e"), full);
    // What is replaced does not count.
    world.ok(&root, &update(&format!("SAMLMetadataDocument={large}")));
}

#[test]
fn private_keys_come_and_go_and_are_never_shown() {
    let mut world = World::new();
    let root = world.root();
    let add = update(&format!("AddPrivateKey={}", key()));
    world.ok(&root, &format!("{}&AddPrivateKey={}", create("idp"), key()));
    world.ok(&root, &add);
    refuses(&mut world, &add, "LimitExceeded: Private key limit of 2 is reached.");
    let provider = shown(&mut world);
    let [first, second] = &provider["PrivateKeyList"].as_array().unwrap()[..] else {
        panic!("two keys")
    };
    assert_ne!(first["KeyId"], second["KeyId"]);
    assert_eq!(first["Timestamp"], NOW.seconds());
    assert!(!provider.to_string().contains("PRIVATE KEY"));
    let remove = |id: &str| update(&format!("RemovePrivateKey={id}"));
    let id = |key: &serde_json::Value| key["KeyId"].as_str().unwrap().to_owned();
    world.ok(&root, &remove(&id(first)));
    refuses(
        &mut world,
        &remove(&id(first)),
        "NoSuchEntity: Failed to remove private key because the Key ID does not match a private key.",
    );
    world.ok(&root, &update("AssertionEncryptionMode=Required"));
    refuses(&mut world, &remove(&id(second)), "InvalidInput: Failed to remove private key.");
    world.ok(&root, &update("AssertionEncryptionMode=Allowed"));
    world.ok(&root, &remove(&id(second)));
    assert_eq!(shown(&mut world)["PrivateKeyList"], json!([]));
}

#[test]
fn senseless_updates_are_refused() {
    let mut world = World::with(&[&create("idp")]);
    let id = "A".repeat(22);
    let curve = escaped(&rcgen::KeyPair::generate().unwrap().serialize_pem());
    for (request, refusal) in [
        (update(""), "InvalidInput: Unable to update identity provider. No updates are defined"),
        (
            update(&format!("AddPrivateKey={}&RemovePrivateKey={id}", key())),
            "InvalidInput: Unable to add and remove private keys in the same request.",
        ),
        (update("AddPrivateKey=none"), "InvalidInput: Invalid private key."),
        (update(&format!("AddPrivateKey={curve}")), "InvalidInput: Invalid private key."),
        (
            update("AssertionEncryptionMode=Required"),
            "InvalidInput: Unable to set assertion encryption mode to Required because no private key is provided.",
        ),
        (
            format!("{}&AssertionEncryptionMode=Required", create("other")),
            "InvalidInput: Unable to set assertion encryption mode to Required",
        ),
    ] {
        refuses(&mut world, &request, refusal);
    }
    let root = world.root();
    let both = format!("AssertionEncryptionMode=Required&AddPrivateKey={}", key());
    world.ok(&root, &format!("{}&{both}", create("other")));
    world.ok(&root, &update(&both));
    assert_eq!(shown(&mut world)["AssertionEncryptionMode"], "Required");
}

#[test]
fn providers_have_tags() {
    let mut world = World::new();
    let root = world.root();
    let tag = |key: &str| format!("&Tags.member.1.Key={key}&Tags.member.1.Value=v");
    let made = world.ok(&root, &format!("{}{}", create("idp"), tag("b")));
    assert_eq!(made["Tags"], json!([{"Key": "b", "Value": "v"}]));
    let on = |operation: &str, more: &str| format!("{operation}&SAMLProviderArn={ARN}{more}");
    world.ok(&root, &on("TagSAMLProvider", &tag("a")));
    // Letter case counts.
    world.ok(&root, &on("TagSAMLProvider", &tag("A")));
    let first = world.ok(&root, &on("ListSAMLProviderTags", "&MaxItems=2"));
    assert_eq!(first["Tags"][1]["Key"], "a");
    let marker = first["Marker"].as_str().unwrap();
    let rest = world.ok(&root, &on("ListSAMLProviderTags", &format!("&Marker={marker}")));
    assert_eq!(rest, json!({"Tags": [{"Key": "b", "Value": "v"}], "IsTruncated": false}));
    world.ok(&root, &on("UntagSAMLProvider", "&TagKeys.member.1=a&TagKeys.member.2=none"));
    assert_eq!(shown(&mut world)["Tags"].as_array().unwrap().len(), 2);
}
