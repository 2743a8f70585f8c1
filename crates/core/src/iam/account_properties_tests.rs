//! What accounts choose: outbound federation, versions of tokens, properties.

use serde_json::{Value, json};

use crate::test_support::{OTHER_ACCOUNT, World};

const ENABLE: &str = "EnableOutboundWebIdentityFederation";
const DISABLE: &str = "DisableOutboundWebIdentityFederation";
const INFO: &str = "GetOutboundWebIdentityFederationInfo";
const ISSUER: &str = "https://iam.example/issuer/111122223333";

fn refuses(world: &mut World, request: &str, refusal: &str) {
    let before = world.rows.clone();
    let root = world.root();
    let refused = world.refusal(&root, request);
    assert!(refused.starts_with(refusal), "{request}\n  {refused}");
    assert_eq!(world.rows, before);
}

#[test]
fn outbound_federation_is_switched_on_and_off() {
    let mut world = World::new();
    let root = world.root();
    let off = "FeatureDisabled: Outbound identity federation is disabled for your AWS account.";
    for _ in 0..2 {
        refuses(&mut world, INFO, off);
        refuses(&mut world, DISABLE, off);
        assert_eq!(world.ok(&root, ENABLE), json!({"IssuerIdentifier": ISSUER}));
        let on = "FeatureEnabled: Outbound identity federation is already enabled";
        refuses(&mut world, ENABLE, on);
        assert_eq!(
            world.ok(&root, INFO),
            json!({"IssuerIdentifier": ISSUER, "JwtVendingEnabled": true})
        );
        let other = world.root_of(OTHER_ACCOUNT);
        assert_eq!(world.refusal(&other, INFO), off);
        world.ok(&root, DISABLE);
    }
}

#[test]
fn the_summary_shows_the_version_of_tokens() {
    let mut world = World::new();
    let root = world.root();
    let shown = |world: &mut World| {
        let summary = world.ok(&root, "GetAccountSummary");
        summary["SummaryMap"]["GlobalEndpointTokenVersion"].clone()
    };
    assert_eq!(shown(&mut world), 1);
    let set = "SetSecurityTokenServicePreferences&GlobalEndpointTokenVersion=";
    for (name, number) in [("v2Token", 2), ("v1Token", 1), ("v2Token", 2)] {
        world.ok(&root, &format!("{set}{name}"));
        assert_eq!(shown(&mut world), number);
    }
    refuses(&mut world, &format!("{set}v3Token"), "ValidationError: 1 validation error detected");
    // One choice leaves the others as they are.
    world.ok(&root, ENABLE);
    assert_eq!(shown(&mut world), 2);
}

fn put(properties: &[(&str, &str)]) -> String {
    let mut request = "PutAccountProperties".to_owned();
    for (number, (key, value)) in (1..).zip(properties) {
        let entry = format!("Properties.entry.{number}");
        request += &format!("&{entry}.key={key}&{entry}.value={value}");
    }
    request
}

#[test]
fn properties_have_names_and_types() {
    let mut world = World::new();
    let root = world.root();
    let shown = |world: &mut World| -> Value {
        world.ok(&root, "GetAccountProperties")["Properties"]["RoleManager/Enabled"].clone()
    };
    assert_eq!(shown(&mut world), "false");
    for value in ["true", "false", "true"] {
        world.ok(&root, &put(&[("RoleManager/Enabled", value)]));
        assert_eq!(shown(&mut world), value);
    }
    for (properties, refusal) in [
        (&[("RoleManager/Enabled", "yes")][..], "InvalidInput: The value of RoleManager/Enabled"),
        (&[("RoleManager/Enabled", "True")], "InvalidInput: The value of RoleManager/Enabled"),
        (&[("RoleManager/Other", "true")], "InvalidInput: RoleManager/Other is not a known"),
        (&[("RoleManager", "true")], "InvalidInput: RoleManager is not a known"),
        (&[("RoleManager/Enabled/", "true")], "InvalidInput: RoleManager/Enabled/ is not a known"),
        (
            &[("RoleManager/Enabled", "false"), ("Other/Enabled", "true")],
            "InvalidInput: All properties must belong to the same namespace.",
        ),
        (&[("RoleManager/Enabled", "")], "ValidationError: "),
        (&[("/Enabled", "true")], "ValidationError: "),
    ] {
        refuses(&mut world, &put(properties), refusal);
    }
    assert_eq!(shown(&mut world), "true");
}

/// Source: Service Authorization Reference, IAM, the condition keys of the actions.
#[test]
fn policies_may_tell_namespaces_apart() {
    let mut world = World::with(&["CreateUser&UserName=bob"]);
    let root = world.root();
    let bob = world.user("bob");
    for (namespace, allowed) in [("RoleManager", true), ("Other", false)] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:*AccountProperties","Resource":"*","Condition":{{"ForAllValues:StringEquals":{{"iam:AccountPropertyNamespaces":"{namespace}"}},"Null":{{"iam:AccountPropertyNamespaces":"false"}}}}}}}}"#
        );
        world
            .ok(&root, &format!("PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument={policy}"));
        for request in [&put(&[("RoleManager/Enabled", "true")]), "GetAccountProperties"] {
            assert_eq!(world.send(&bob, request).is_ok(), allowed, "{request} {namespace}");
        }
    }
}
