//! OpenID Connect providers: what is taken, shown and refused.

use serde_json::json;

use crate::test_support::{ACCOUNT, NOW, OTHER_ACCOUNT, World, rebuilt};

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/id.example/a";
const CREATE: &str = "CreateOpenIDConnectProvider&Url=https://id.example/a";

/// Nothing of what was refused is stored.
fn refuses(world: &mut World, request: &str, refusal: &str) {
    let before = world.rows.clone();
    let root = world.root();
    let refused = world.refusal(&root, request);
    assert!(refused.starts_with(refusal), "{refused} is not {refusal}");
    assert_eq!(world.rows, before);
}

/// `count` members of a list.
fn list(name: &str, count: usize, member: impl Fn(usize) -> String) -> String {
    (1..=count).map(|number| format!("&{name}.member.{number}={}", member(number))).collect()
}

fn thumbprints(count: usize) -> String {
    list("ThumbprintList", count, |number| format!("{number:040x}"))
}

#[test]
fn a_provider_lives_from_creation_to_deletion() {
    let mut world = World::new();
    let root = world.root();
    let clients = list("ClientIDList", 3, |number| ["b", "a", "b"][number - 1].to_owned());
    let request = format!("{CREATE}{clients}{}", thumbprints(1));
    assert_eq!(world.ok(&root, &request), json!({"OpenIDConnectProviderArn": ARN}));
    let get = format!("GetOpenIDConnectProvider&OpenIDConnectProviderArn={ARN}");
    let shown = |clients: &[&str], thumbprints: usize| {
        let thumbprints: Vec<String> = (1..=thumbprints).map(|it| format!("{it:040x}")).collect();
        json!({"Url": "id.example/a", "ClientIDList": clients, "ThumbprintList": thumbprints,
            "CreateDate": NOW.seconds(), "Tags": []})
    };
    assert_eq!(world.ok(&root, &get), shown(&["b", "a"], 1));
    let on =
        |operation: &str, more: &str| format!("{operation}&OpenIDConnectProviderArn={ARN}{more}");
    for _ in 0..2 {
        world.ok(&root, &on("AddClientIDToOpenIDConnectProvider", "&ClientID=c"));
        world.ok(&root, &on("RemoveClientIDFromOpenIDConnectProvider", "&ClientID=b"));
    }
    world.ok(&root, &on("UpdateOpenIDConnectProviderThumbprint", &thumbprints(5)));
    assert_eq!(world.ok(&root, &get), shown(&["a", "c"], 5));
    let listed = world.ok(&root, "ListOpenIDConnectProviders");
    assert_eq!(listed, json!({"OpenIDConnectProviderList": [{"Arn": ARN}]}));
    assert_eq!(world.ok(&root, "GetAccountSummary")["SummaryMap"]["Providers"], 1);
    let account = ACCOUNT.parse().unwrap();
    let (own, read) = (&world.state, rebuilt(&world.rows));
    assert_eq!(
        own.account(account).unwrap().oidc_providers(),
        read.account(account).unwrap().oidc_providers()
    );
    world.ok(&root, &on("DeleteOpenIDConnectProvider", ""));
    let missing = format!("NoSuchEntity: OpenIDConnect Provider not found for arn {ARN}");
    refuses(&mut world, &get, &missing);
    let missing = format!("NoSuchEntity: OpenId connect Provider {ARN} cannot be found.");
    refuses(&mut world, &on("DeleteOpenIDConnectProvider", ""), &missing);
}

#[test]
fn what_is_no_provider_url_is_refused() {
    let mut world = World::new();
    for url in [
        "http://id.example",
        "id.example",
        "https://",
        "https:///a",
        "https://id..example",
        "https://id.example:8443",
        "https://me@id.example",
        "https://id.example?a",
        "https://id.example/a?b",
        "https://id.example/%23",
        "https://id.example/*",
        "https://id.example/%20",
        "https://[::1]/",
        "https://bücher.example",
    ] {
        let request = format!("CreateOpenIDConnectProvider&Url={url}");
        let refusal = "ValidationError: Invalid Open ID Connect Provider URL";
        refuses(&mut world, &request, refusal);
    }
    let long = format!("CreateOpenIDConnectProvider&Url=https://{}.example", "a".repeat(248));
    refuses(&mut world, &long, "ValidationError: 1 validation error detected: ");
}

#[test]
fn a_provider_is_there_once() {
    let mut world = World::with(&[CREATE]);
    refuses(
        &mut world,
        "CreateOpenIDConnectProvider&Url=https://ID.example/a",
        "EntityAlreadyExists: Provider with url https://ID.example/a already exists.",
    );
    let root = world.root();
    world.ok(&root, "CreateOpenIDConnectProvider&Url=https://id.example/A");
    // The same ARN in another account names nothing here.
    let foreign = ARN.replace(ACCOUNT, OTHER_ACCOUNT);
    let get = format!("GetOpenIDConnectProvider&OpenIDConnectProviderArn={foreign}");
    refuses(&mut world, &get, "NoSuchEntity: ");
}

#[test]
fn quotas_of_providers_hold() {
    let mut world = World::new();
    let root = world.root();
    refuses(
        &mut world,
        &format!("{CREATE}{}", thumbprints(6)),
        "InvalidInput: Thumbprint list must contain fewer than 5 entries.",
    );
    let wrong = "z".repeat(40);
    refuses(&mut world, &format!("{CREATE}&ThumbprintList.member.1={wrong}"), "InvalidInput: ");
    let clients = |count| list("ClientIDList", count, |number| format!("client{number}"));
    let full = "LimitExceeded: Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100";
    refuses(&mut world, &format!("{CREATE}{}", clients(101)), full);
    world.ok(&root, &format!("{CREATE}{}", clients(100)));
    let add = format!("AddClientIDToOpenIDConnectProvider&OpenIDConnectProviderArn={ARN}");
    refuses(&mut world, &format!("{add}&ClientID=more"), full);
    world.ok(&root, &format!("{add}&ClientID=client7"));
    for number in 1..100 {
        world.ok(&root, &format!("CreateOpenIDConnectProvider&Url=https://id{number}.example"));
    }
    refuses(
        &mut world,
        "CreateOpenIDConnectProvider&Url=https://more.example",
        "LimitExceeded: Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100",
    );
}

#[test]
fn providers_have_tags_in_pages() {
    let mut world = World::with(&[CREATE]);
    let root = world.root();
    let on =
        |operation: &str, more: &str| format!("{operation}&OpenIDConnectProviderArn={ARN}{more}");
    let tags = |from: usize, to: usize| -> String {
        let tag = |(place, number): (usize, usize)| {
            format!("&Tags.member.{}.Key=k{number}&Tags.member.{}.Value=v", place + 1, place + 1)
        };
        (from..to).enumerate().map(tag).collect()
    };
    world.ok(&root, &on("TagOpenIDConnectProvider", &tags(10, 60)));
    refuses(
        &mut world,
        &on("TagOpenIDConnectProvider", &tags(60, 61)),
        "LimitExceeded: The number of tags has reached the maximum limit.",
    );
    let first = world.ok(&root, &on("ListOpenIDConnectProviderTags", "&MaxItems=49"));
    let marker = first["Marker"].as_str().unwrap();
    let more = format!("&Marker={marker}");
    let rest = world.ok(&root, &on("ListOpenIDConnectProviderTags", &more));
    assert_eq!(rest, json!({"Tags": [{"Key": "k59", "Value": "v"}], "IsTruncated": false}));
    world.ok(&root, &on("UntagOpenIDConnectProvider", "&TagKeys.member.1=k59"));
    refuses(&mut world, &format!("ListUsers&Marker={marker}"), "ValidationError: Invalid Marker.");
}
