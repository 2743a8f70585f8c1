//! Decisions on requests of S3, each allow beside the nearest denial; and what owners set.

use iamd_wire::route::S3Error;

use super::bucket;
use super::*;
use crate::caller::Caller;
use crate::operation::Environment;
use crate::state::{AccountChanges, PublicAccessBlock};
use crate::test_support::{ACCOUNT, NOW, OTHER_ACCOUNT, World, rebuilt};

const BUCKET: &str = "photos";

/// A world in which [`ACCOUNT`] owns [`BUCKET`], and both accounts have a user.
fn world() -> (World, Caller, Caller) {
    let mut world = World::with(&["CreateUser&UserName=ana"]);
    let other = world.root_of(OTHER_ACCOUNT);
    world.ok(&other, "CreateUser&UserName=zoe");
    done(&mut world, |state| bucket::reserve(state, ACCOUNT.parse().unwrap(), BUCKET, NOW));
    done(&mut world, |state| bucket::made(state, BUCKET));
    let (ana, zoe) = (world.user("ana"), world.user_of(OTHER_ACCOUNT, "zoe"));
    (world, ana, zoe)
}

fn done(
    world: &mut World,
    rule: impl FnOnce(&crate::state::State) -> Result<Vec<AccountChanges>, S3Error>,
) {
    let changes = rule(&world.state).unwrap();
    world.commit(&changes);
}

fn set_policy(world: &mut World, statement: &str) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    done(world, |state| bucket::put_policy(state, BUCKET, &text));
}

fn unblock(world: &mut World) {
    done(world, |state| bucket::put_public_access_block(state, BUCKET, PublicAccessBlock::NONE));
}

/// Gives a user the right to read everything.
fn let_read(world: &mut World, account: &str, user: &str) {
    let root = world.root_of(account);
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;
    let put = format!("PutUserPolicy&UserName={user}&PolicyName=p&PolicyDocument={policy}");
    world.ok(&root, &put);
}

fn target(action: &'static str, resource: &str) -> S3Target {
    let name = resource.split('/').next().unwrap().to_owned();
    let target = Target::new(action, format!("arn:aws:s3:::{resource}"));
    S3Target { bucket: Some(name), target }
}

fn verdict(world: &World, caller: Option<&Caller>, target: &S3Target) -> Verdict {
    let environment = Environment::default();
    match caller {
        Some(caller) => {
            let scene = world.scene(caller);
            Judge::new(&Asker::Caller(&scene)).rule(target).verdict
        }
        None => {
            let state = &world.state;
            let stranger = Stranger { state, environment: &environment, witness: &(), now: NOW };
            Judge::new(&Asker::Stranger(stranger)).rule(target).verdict
        }
    }
}

fn may_read(world: &World, caller: Option<&Caller>) -> bool {
    matches!(verdict(world, caller, &target("s3:GetObject", "photos/a")), Verdict::Allowed(_))
}

#[test]
fn in_one_account_either_side_suffices() {
    let (mut world, ana, zoe) = world();
    assert!(!may_read(&world, Some(&ana)));
    let_read(&mut world, ACCOUNT, "ana");
    assert!(may_read(&world, Some(&ana)));
    assert!(!may_read(&world, Some(&zoe)));
    let root = world.root();
    world.ok(&root, "DeleteUserPolicy&UserName=ana&PolicyName=p");
    set_policy(
        &mut world,
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ana"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#,
    );
    assert!(may_read(&world, Some(&ana)));
    let put = verdict(&world, Some(&ana), &target("s3:PutObject", "photos/a"));
    assert!(matches!(put, Verdict::Denied(_)));
}

#[test]
fn across_accounts_both_sides_are_needed() {
    let (mut world, _, zoe) = world();
    let_read(&mut world, OTHER_ACCOUNT, "zoe");
    assert!(!may_read(&world, Some(&zoe)));
    set_policy(
        &mut world,
        r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#,
    );
    assert!(may_read(&world, Some(&zoe)));
    let other = world.root_of(OTHER_ACCOUNT);
    world.ok(&other, "DeleteUserPolicy&UserName=zoe&PolicyName=p");
    assert!(!may_read(&world, Some(&zoe)));
}

#[test]
fn strangers_need_a_policy_that_is_not_restricted() {
    let (mut world, ana, _) = world();
    assert!(!may_read(&world, None));
    unblock(&mut world);
    let public = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#;
    set_policy(&mut world, public);
    assert!(may_read(&world, None));
    let list = verdict(&world, None, &target("s3:ListBucket", "photos"));
    assert!(matches!(list, Verdict::Denied(_)));
    let restrict = PublicAccessBlock { restrict_public_buckets: true, ..PublicAccessBlock::NONE };
    done(&mut world, |state| bucket::put_public_access_block(state, BUCKET, restrict));
    let read = verdict(&world, None, &target("s3:GetObject", "photos/a"));
    assert!(matches!(read, Verdict::Restricted));
    // The account's own users keep what the policy gives them.
    assert!(may_read(&world, Some(&ana)));
}

#[test]
fn public_policies_are_refused_while_they_are_blocked() {
    let (mut world, _, _) = world();
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}]}"#;
    let refused = bucket::put_policy(&world.state, BUCKET, public).unwrap_err();
    assert_eq!((refused.code, refused.status), ("AccessDenied", 403));
    unblock(&mut world);
    done(&mut world, |state| bucket::put_policy(state, BUCKET, public));
    assert!(bucket::is_policy_public(&world.state, BUCKET).unwrap());
}

#[test]
fn what_nobody_owns_does_not_exist_and_closed_accounts_serve_nothing() {
    let (mut world, ana, _) = world();
    let_read(&mut world, ACCOUNT, "ana");
    let absent = verdict(&world, Some(&ana), &target("s3:GetObject", "films/a"));
    assert!(matches!(absent, Verdict::NoSuchBucket));
    let account: crate::account_id::AccountId = ACCOUNT.parse().unwrap();
    let settings = world.state.account(account).unwrap().settings().unwrap();
    let closed = crate::state::AccountSettings { closed: Some(NOW), ..settings.as_ref().clone() };
    let changes = vec![crate::state::Change::Put(crate::state::Entity::Settings(closed))];
    world.commit(&[AccountChanges { account, changes }]);
    let closed = verdict(&world, Some(&ana), &target("s3:GetObject", "photos/a"));
    assert!(matches!(closed, Verdict::OwnerClosed));
}

#[test]
fn root_is_above_the_policy_of_its_own_bucket_where_it_is_about_that_policy() {
    let (mut world, _, _) = world();
    set_policy(
        &mut world,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"]}"#,
    );
    let root = world.root();
    for action in ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"] {
        let ruled = verdict(&world, Some(&root), &target(action, "photos"));
        assert!(matches!(ruled, Verdict::Allowed(_)), "{action}");
    }
    let ruled = verdict(&world, Some(&root), &target("s3:GetBucketPolicyStatus", "photos"));
    assert!(matches!(ruled, Verdict::Denied(_)));
    let other = world.root_of(OTHER_ACCOUNT);
    let ruled = verdict(&world, Some(&other), &target("s3:DeleteBucketPolicy", "photos"));
    assert!(matches!(ruled, Verdict::Denied(_)));
}

#[test]
fn names_belong_to_one_account_and_are_free_again() {
    let (mut world, _, _) = world();
    let [owner, other] = [ACCOUNT, OTHER_ACCOUNT].map(|id| id.parse().unwrap());
    let code = |world: &World, account| {
        bucket::reserve(&world.state, account, BUCKET, NOW).map(drop).map_err(|error| error.code)
    };
    assert_eq!(code(&world, owner), Err("BucketAlreadyOwnedByYou"));
    assert_eq!(code(&world, other), Err("BucketAlreadyExists"));
    done(&mut world, |state| bucket::release(state, BUCKET));
    assert_eq!(code(&world, other), Ok(()));
    // Who was interrupted goes on, and nobody else.
    done(&mut world, |state| bucket::reserve(state, other, BUCKET, NOW));
    assert_eq!((code(&world, other), code(&world, owner)), (Ok(()), Err("BucketAlreadyExists")));
}

#[test]
fn what_owners_set_is_read_from_its_rows() {
    let (mut world, _, _) = world();
    set_policy(
        &mut world,
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/zoe"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#,
    );
    let read = rebuilt(&world.rows);
    let account = ACCOUNT.parse().unwrap();
    let buckets = |state: &crate::state::State| state.account(account).unwrap().buckets().clone();
    assert_eq!(buckets(&read), buckets(&world.state));
    assert_eq!(read.directory().owner_of_bucket(BUCKET), Some(account));
    assert!(bucket::policy(&read, BUCKET).unwrap().contains(":user/zoe\""));
}

#[test]
fn policies_that_s3_would_not_store_are_refused_in_its_words() {
    let (world, _, _) = world();
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
    for (text, message) in [
        ("nonsense".to_owned(), "Policies must be valid JSON and the first byte must be '{'"),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::films/*"}"#,
            ),
            "Policy has invalid resource",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos2/*"}"#,
            ),
            "Policy has invalid resource",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:Fetch","Resource":"arn:aws:s3:::photos/*"}"#,
            ),
            "Policy has invalid action",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"iam:GetUser","Resource":"arn:aws:s3:::photos/*"}"#,
            ),
            "Policy has invalid action",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::photos/*"}"#,
            ),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/nobody"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#,
            ),
            "Invalid principal in policy",
        ),
    ] {
        let refused = bucket::put_policy(&world.state, BUCKET, &text).unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), ("MalformedPolicy", message));
    }
    let long = " ".repeat(BUCKET_POLICY_LENGTH_MAX);
    let long = statement(&format!(
        r#"{{"Effect":"Allow",{long}"Principal":{{"AWS":"444455556666"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}}"#
    ));
    assert_eq!(bucket::put_policy(&world.state, BUCKET, &long).unwrap_err().code, "PolicyTooLarge");
}
