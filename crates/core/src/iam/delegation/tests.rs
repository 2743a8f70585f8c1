//! A request for delegation: whom it concerns, what becomes of it, and when it ends.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::test_support::{ACCOUNT, NOW, OTHER_ACCOUNT, World, rebuilt};

const CREATE: &str = "CreateDelegationRequest&Description=Set up&Permissions.PolicyTemplateArn=arn:aws:iam::aws:policy-template/x/y&NotificationChannel=arn:aws:sns:eu-west-1:444455556666:t";
const DAY: i64 = 24 * 60 * 60;

/// A world in which the other account has made a request, with this beside what it must have.
fn asked(more: &str) -> (World, String) {
    let mut world = World::new();
    let id = ask(&mut world, "workflow", more);
    (world, id)
}

fn ask(world: &mut World, workflow: &str, more: &str) -> String {
    let provider = world.root_of(OTHER_ACCOUNT);
    let more = if more.contains("SessionDuration") {
        more.to_owned()
    } else {
        format!("&SessionDuration=3600{more}")
    };
    let request = format!("{CREATE}&RequestorWorkflowId={workflow}{more}");
    world.ok(&provider, &request)["DelegationRequestId"].as_str().unwrap().to_owned()
}

fn user(world: &mut World, name: &str, actions: &str) -> Caller {
    let root = world.root();
    world.ok(&root, &format!("CreateUser&UserName={name}"));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["{actions}"],"Resource":"*"}}}}"#
    );
    world.ok(&root, &format!("PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}"));
    world.user(name)
}

fn on(operation: &str, id: &str) -> String {
    format!("{operation}&DelegationRequestId={id}")
}

fn state(world: &mut World, caller: &Caller, id: &str) -> String {
    let answer = world.ok(caller, &on("GetDelegationRequest", id));
    answer["DelegationRequest"]["State"].as_str().unwrap().to_owned()
}

fn later(world: &mut World, seconds: i64) {
    world.now = iamd_wire::Timestamp::from_seconds(world.now.seconds() + seconds);
}

#[test]
fn a_request_goes_from_creation_to_its_token() {
    let parameter = "&Permissions.Parameters.member.1";
    let more = format!(
        "&OwnerAccountId={ACCOUNT}&RequestMessage=now{parameter}.Name=region{parameter}.Values.member.1=eu{parameter}.Type=string"
    );
    let (mut world, id) = asked(&more);
    let root = world.root();
    let ana = user(&mut world, "ana", "iam:AssociateDelegationRequest");
    assert_eq!(
        world.ok(&root, &on("GetDelegationRequest", &id)),
        json!({"DelegationRequest": {
            "DelegationRequestId": id, "OwnerAccountId": ACCOUNT, "Description": "Set up",
            "RequestMessage": "now", "Permissions": {
                "PolicyTemplateArn": "arn:aws:iam::aws:policy-template/x/y",
                "Parameters": [{"Name": "region", "Values": ["eu"], "Type": "string"}],
            },
            "State": "UNASSIGNED", "ExpirationTime": NOW.seconds() + DAY, "RequestorId": OTHER_ACCOUNT,
            "CreateDate": NOW.seconds(), "SessionDuration": 3600, "OnlySendByOwner": false,
            "UpdatedTime": NOW.seconds(),
        }})
    );
    later(&mut world, 60);
    world.ok(&ana, &on("AssociateDelegationRequest", &id));
    world.ok(&ana, &format!("{}&Notes=please", on("UpdateDelegationRequest", &id)));
    assert_eq!(state(&mut world, &ana, &id), "PENDING_APPROVAL");
    world.ok(&root, &on("AcceptDelegationRequest", &id));
    assert_eq!(state(&mut world, &root, &id), "ACCEPTED");
    world.ok(&root, &on("SendDelegationToken", &id));
    let shown = world.ok(&root, &on("GetDelegationRequest", &id))["DelegationRequest"].clone();
    assert_eq!(shown["State"], "FINALIZED");
    assert_eq!(shown["OwnerId"], "arn:aws:iam::111122223333:user/ana");
    assert_eq!(shown["ApproverId"], "arn:aws:iam::111122223333:root");
    assert_eq!(shown["Notes"], "please");
    assert_eq!(shown["ExpirationTime"], NOW.seconds() + 60 + 7 * DAY);
    let read = rebuilt(&world.rows);
    let (own, read) = (world.state.directory(), read.directory());
    assert_eq!(own.delegation_request(&id), read.delegation_request(&id));
    assert!(read.delegation_request(&id).is_some());
}

/// Every step from every state: only the documented ones lead on.
#[test]
fn only_the_documented_steps_lead_on() {
    let paths: [(&str, &[&str]); 6] = [
        ("UNASSIGNED", &[]),
        ("ASSIGNED", &["AssociateDelegationRequest"]),
        ("PENDING_APPROVAL", &["AssociateDelegationRequest", "UpdateDelegationRequest"]),
        ("ACCEPTED", &["AssociateDelegationRequest", "AcceptDelegationRequest"]),
        (
            "FINALIZED",
            &["AssociateDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"],
        ),
        ("REJECTED", &["AssociateDelegationRequest", "RejectDelegationRequest"]),
    ];
    let steps = [
        ("AssociateDelegationRequest", "ASSIGNED", &["UNASSIGNED"][..]),
        ("UpdateDelegationRequest", "PENDING_APPROVAL", &["ASSIGNED", "PENDING_APPROVAL"]),
        ("AcceptDelegationRequest", "ACCEPTED", &["ASSIGNED", "PENDING_APPROVAL"]),
        ("RejectDelegationRequest", "REJECTED", &["ASSIGNED", "PENDING_APPROVAL", "ACCEPTED"]),
        ("SendDelegationToken", "FINALIZED", &["ACCEPTED"]),
    ];
    for (from, path) in paths {
        let (mut world, id) = asked("");
        let root = world.root();
        for step in path {
            world.ok(&root, &on(step, &id));
        }
        assert_eq!(state(&mut world, &root, &id), from);
        for (operation, to, allowed) in steps {
            let mut world = world.fork();
            let answer = world.send(&root, &on(operation, &id));
            if allowed.contains(&from) {
                assert!(answer.is_ok(), "{operation} from {from}: {answer:?}");
                assert_eq!(state(&mut world, &root, &id), to);
            } else {
                let refusal = format!(
                    "InvalidInput: The delegation request {id} does not allow this in its state {from}."
                );
                assert_eq!(answer, Err(refusal), "{operation} from {from}");
            }
        }
    }
}

#[test]
fn a_request_is_seen_by_those_whom_it_concerns() {
    let (mut world, id) = asked("");
    let (root, provider) = (world.root(), world.root_of(OTHER_ACCOUNT));
    let gone = format!("NoSuchEntity: The delegation request with id {id} cannot be found.");
    assert_eq!(state(&mut world, &root, &id), "UNASSIGNED");
    assert_eq!(state(&mut world, &provider, &id), "UNASSIGNED");
    let listed = |world: &mut World, more: &str| {
        let root = world.root();
        let answer = world.ok(&root, &format!("ListDelegationRequests{more}"));
        answer["DelegationRequests"].as_array().unwrap().len()
    };
    assert_eq!(listed(&mut world, ""), 0);
    world.ok(&root, &on("AssociateDelegationRequest", &id));
    for operation in ["GetDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"] {
        assert_eq!(world.refusal(&provider, &on(operation, &id)), gone);
    }
    assert_eq!(listed(&mut world, ""), 1);
    assert_eq!(listed(&mut world, "&OwnerId=arn:aws:iam::111122223333:root"), 1);
    assert_eq!(listed(&mut world, "&OwnerId=arn:aws:iam::111122223333:user/ana"), 0);
    let answer = world.ok(&provider, "ListDelegationRequests");
    assert_eq!(answer, json!({"DelegationRequests": [], "isTruncated": false}));
    let addressed = ask(&mut world, "addressed", &format!("&OwnerAccountId={ACCOUNT}"));
    let refusal = world.refusal(&provider, &on("AssociateDelegationRequest", &addressed));
    assert!(refusal.starts_with("NoSuchEntity: "), "{refusal}");
    assert_eq!(state(&mut world, &root, &addressed), "UNASSIGNED");
}

/// The owner has permissions of his own; a namesake of his has none.
#[test]
fn an_owner_sees_and_forwards_what_is_his() {
    let (mut world, id) = asked("");
    let ana = user(&mut world, "ana", "iam:AssociateDelegationRequest");
    let bob = user(&mut world, "bob", "s3:*");
    world.ok(&ana, &on("AssociateDelegationRequest", &id));
    world.ok(&ana, &on("GetDelegationRequest", &id));
    world.ok(&ana, &on("UpdateDelegationRequest", &id));
    let summary = format!(
        "GetHumanReadableSummary&EntityArn=arn:aws:iam::111122223333:delegation-request/{id}&Locale=en"
    );
    let answer = world.ok(&ana, &summary);
    assert_eq!(answer, json!({"Locale": "en", "SummaryState": "NOT_AVAILABLE"}));
    for request in [on("GetDelegationRequest", &id), on("UpdateDelegationRequest", &id), summary] {
        assert!(world.refusal(&bob, &request).starts_with("AccessDenied: "), "{request}");
    }
    for operation in ["AcceptDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"] {
        let refusal = world.refusal(&ana, &on(operation, &id));
        assert!(refusal.starts_with("AccessDenied: "), "{refusal}");
    }
    let root = world.root();
    let keys = world.ok(&root, "ListAccessKeys&UserName=ana");
    let key = keys["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap().to_owned();
    world.ok(&root, &format!("DeleteAccessKey&UserName=ana&AccessKeyId={key}"));
    world.ok(&root, "DeleteUserPolicy&UserName=ana&PolicyName=p");
    world.ok(&root, "DeleteUser&UserName=ana");
    let namesake = user(&mut world, "ana", "s3:*");
    let refusal = world.refusal(&namesake, &on("GetDelegationRequest", &id));
    assert!(refusal.starts_with("AccessDenied: "), "{refusal}");
}

#[test]
fn only_the_owner_sends_where_the_request_says_so() {
    let (mut world, id) = asked("&OnlySendByOwner=true");
    let root = world.root();
    let actions = "iam:AssociateDelegationRequest\",\"iam:SendDelegationToken";
    let ana = user(&mut world, "ana", actions);
    world.ok(&ana, &on("AssociateDelegationRequest", &id));
    world.ok(&root, &on("AcceptDelegationRequest", &id));
    let refusal = world.refusal(&root, &on("SendDelegationToken", &id));
    assert_eq!(
        refusal,
        "InvalidInput: Only the owner of this delegation request can send its token."
    );
    world.ok(&ana, &on("SendDelegationToken", &id));
}

#[test]
fn root_accepts_four_hours_at_most() {
    for (seconds, is_accepted) in [(14_400, true), (14_401, false)] {
        let (mut world, id) = asked(&format!("&SessionDuration={seconds}"));
        let root = world.root();
        world.ok(&root, &on("AssociateDelegationRequest", &id));
        let mut others = world.fork();
        assert_eq!(world.send(&root, &on("AcceptDelegationRequest", &id)).is_ok(), is_accepted);
        let ana = user(&mut others, "ana", "iam:AcceptDelegationRequest");
        others.ok(&ana, &on("AcceptDelegationRequest", &id));
    }
}

#[test]
fn requests_expire_and_go() {
    let (mut world, id) = asked("");
    let root = world.root();
    later(&mut world, DAY - 1);
    assert_eq!(state(&mut world, &root, &id), "UNASSIGNED");
    let mut assigned = world.fork();
    assigned.ok(&root, &on("AssociateDelegationRequest", &id));
    later(&mut assigned, 7 * DAY - 1);
    assert_eq!(state(&mut assigned, &root, &id), "ASSIGNED");
    later(&mut assigned, 1);
    assert_eq!(state(&mut assigned, &root, &id), "EXPIRED");
    later(&mut world, 1);
    assert_eq!(state(&mut world, &root, &id), "EXPIRED");
    let refusal = world.refusal(&root, &on("AssociateDelegationRequest", &id));
    assert!(refusal.ends_with("in its state EXPIRED."), "{refusal}");
    let provider = world.root_of(OTHER_ACCOUNT);
    let again = format!("{CREATE}&RequestorWorkflowId=workflow&SessionDuration=3600");
    let refusal = world.refusal(&provider, &again);
    assert_eq!(
        refusal,
        "EntityAlreadyExists: A delegation request with workflow id workflow already exists."
    );
    later(&mut world, 7 * DAY);
    let refusal = world.refusal(&root, &on("GetDelegationRequest", &id));
    assert!(refusal.starts_with("NoSuchEntity: "), "{refusal}");
    let next = ask(&mut world, "workflow", "");
    assert_ne!(next, id);
    assert!(world.state.directory().delegation_request(&id).is_none(), "its row went");
    assert_eq!(state(&mut world, &root, &next), "UNASSIGNED");
}

#[test]
fn requests_of_an_account_are_bounded() {
    let mut world = World::new();
    for number in 0..crate::quota::DELEGATION_REQUESTS {
        ask(&mut world, &format!("workflow-{number}"), "");
    }
    let provider = world.root_of(OTHER_ACCOUNT);
    let request =
        |more: &str| format!("{CREATE}&RequestorWorkflowId=one-more&SessionDuration=300{more}");
    let refusal = world.refusal(&provider, &request(""));
    assert_eq!(
        refusal,
        "LimitExceeded: Cannot exceed quota for DelegationRequestsPerAccount: 1000"
    );
    let mut world = World::new();
    let value = "x".repeat(10_240);
    let parameter = "&Permissions.Parameters.member.1.Values.member.1";
    world.ok(&provider, &request(&format!("{parameter}={value}")));
    let refusal = world.refusal(
        &provider,
        &request(&format!("{parameter}={value}x")).replace("one-more", "another"),
    );
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for DelegationParametersSize: 10240");
}

#[test]
fn lists_come_in_pages() {
    let mut world = World::new();
    let root = world.root();
    let mut ids: Vec<String> = (0..5)
        .map(|number| {
            let id = ask(&mut world, &format!("workflow-{number}"), "");
            world.ok(&root, &on("AssociateDelegationRequest", &id));
            id
        })
        .collect();
    ids.sort();
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let page = world.ok(&root, &format!("ListDelegationRequests&MaxItems=2{marker}"));
        let requests = page["DelegationRequests"].as_array().unwrap();
        let id = |it: &Value| it["DelegationRequestId"].as_str().unwrap().to_owned();
        seen.extend(requests.iter().map(id));
        match page["Marker"].as_str() {
            Some(next) => marker = format!("&Marker={next}"),
            None => break,
        }
        assert_eq!(page["isTruncated"], true);
    }
    assert_eq!(seen, ids);
    let checked = world.ok(
        &root,
        &format!("{}&DelegationPermissionCheck=true", on("GetDelegationRequest", &ids[0])),
    );
    assert_eq!(checked["PermissionCheckStatus"], "COMPLETE");
    assert_eq!(checked["PermissionCheckResult"], "UNSURE");
    let refusal = world
        .refusal(&root, "GetHumanReadableSummary&EntityArn=arn:aws:iam::111122223333:role/app");
    assert_eq!(
        refusal,
        "InvalidInput: arn:aws:iam::111122223333:role/app is not the ARN of a delegation request."
    );
}
