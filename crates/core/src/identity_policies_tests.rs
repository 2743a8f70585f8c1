//! What is remembered of callers' policies beside the plain evaluator, through random changes.

use std::collections::{BTreeMap, BTreeSet};

use iamd_simulate::case::{Caller as Asking, Compiled, Texts};
use iamd_simulate::generate;
use iamd_simulate::plain::{self, Documents};
use iamd_simulate::random::Random;

use crate::caller::Identity;
use crate::test_support::{ACCOUNT, ALLOW_ALL, TRUST_EC2, World};

/// Documents that a user, a group or a role has.
#[derive(Default)]
struct Held {
    inline: BTreeMap<String, String>,
    attached: BTreeSet<&'static str>,
}

/// The account as it should be.
#[derive(Default)]
struct Model {
    user: Held,
    group: Held,
    role: Held,
    is_member: bool,
    /// The versions of the managed policies, and which is in force.
    managed: BTreeMap<&'static str, (Vec<String>, usize)>,
}

const MANAGED: [&str; 2] = ["one", "two"];

impl Model {
    fn held(&mut self, kind: &str) -> &mut Held {
        match kind {
            "User" => &mut self.user,
            "Group" => &mut self.group,
            _ => &mut self.role,
        }
    }

    fn texts(&self, of: &[&Held]) -> Vec<String> {
        let inline = of.iter().flat_map(|held| held.inline.values());
        let attached = of.iter().flat_map(|held| &held.attached).map(|name| {
            let (versions, default) = &self.managed[name];
            &versions[*default]
        });
        inline.chain(attached).cloned().collect()
    }

    fn texts_of_user(&self) -> Vec<String> {
        if self.is_member {
            self.texts(&[&self.user, &self.group])
        } else {
            self.texts(&[&self.user])
        }
    }

    /// Makes one change, in the world and here, if it is accepted.
    fn change(&mut self, world: &mut World, random: &mut Random) -> bool {
        let root = world.root();
        let kind = random.pick(&["User", "Group", "Role"]);
        let policy = random.pick(&MANAGED);
        let target = format!("{kind}Name={}", kind.to_lowercase());
        let arn = format!("PolicyArn=arn:aws:iam::{ACCOUNT}:policy/{policy}");
        let name = random.pick(&["a", "b", "c"]);
        let mut send = |request: String| world.send(&root, &request).is_ok();
        match random.below(9) {
            0..=2 => {
                let text = document(random);
                let document = escaped(&text);
                let done = send(format!(
                    "Put{kind}Policy&{target}&PolicyName={name}&PolicyDocument={document}"
                ));
                if done {
                    self.held(kind).inline.insert(name.to_owned(), text);
                }
                done
            }
            3 => {
                let done = send(format!("Delete{kind}Policy&{target}&PolicyName={name}"));
                assert_eq!(done, self.held(kind).inline.remove(name).is_some());
                done
            }
            4 => {
                let done = send(format!("Attach{kind}Policy&{target}&{arn}"));
                self.held(kind).attached.insert(policy);
                done
            }
            5 => {
                let done = send(format!("Detach{kind}Policy&{target}&{arn}"));
                assert_eq!(done, self.held(kind).attached.remove(policy));
                done
            }
            6 => {
                let joins = random.percent(60);
                let verb = if joins { "AddUserTo" } else { "RemoveUserFrom" };
                let done = send(format!("{verb}Group&GroupName=group&UserName=user"));
                self.is_member = joins;
                done
            }
            7 => {
                let text = document(random);
                let document = escaped(&text);
                let done = send(format!(
                    "CreatePolicyVersion&{arn}&SetAsDefault=true&PolicyDocument={document}"
                ));
                if done {
                    let (versions, default) = self.managed.entry(policy).or_default();
                    *default = versions.len();
                    versions.push(text);
                }
                done
            }
            _ => {
                let (versions, default) = self.managed.entry(policy).or_default();
                *default = random.below(versions.len());
                send(format!("SetDefaultPolicyVersion&{arn}&VersionId=v{}", *default + 1))
            }
        }
    }
}

/// A document of the generator, or one that is surely accepted.
fn document(random: &mut Random) -> String {
    let texts = generate::texts(random);
    texts.identity.into_iter().next().unwrap_or_else(|| ALLOW_ALL.to_owned())
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Asks both evaluators about a caller; gives how often they allow.
fn check(world: &World, caller: &Caller, texts: Vec<String>, random: &mut Random) -> u32 {
    let (root, texts) = (world.root(), Texts { identity: texts, ..Texts::default() });
    let scene = world.scene(&root);
    let remembered = scene.identity_policies.of(scene.account, &caller.identity);
    let compiled = Compiled::of_identity(vec![remembered]);
    let documents = Documents::of(&texts);
    let mut allowed = 0;
    for _ in 0..6 {
        let mut question = generate::question(random);
        question.caller = caller.asking.clone();
        let outcome = compiled.outcome(&question);
        assert_eq!(outcome, plain::decide(&question, &documents), "{question:?}\n{texts}");
        allowed += u32::from(outcome.decision == "allowed");
    }
    allowed
}

/// A caller in the words of the account and in those of the evaluators.
struct Caller {
    identity: Identity,
    asking: Asking,
}

/// INVARIANT: what is remembered never outlives what it was made from.
#[test]
fn remembered_policies_decide_as_the_documents_that_are_in_force() {
    let mut random = Random::new(11);
    let mut model = Model::default();
    let trust = escaped(TRUST_EC2);
    let mut requests = vec![
        "CreateUser&UserName=user".to_owned(),
        "CreateGroup&GroupName=group".to_owned(),
        format!("CreateRole&RoleName=role&AssumeRolePolicyDocument={trust}"),
    ];
    for name in MANAGED {
        let document = escaped(ALLOW_ALL);
        requests.push(format!("CreatePolicy&PolicyName={name}&PolicyDocument={document}"));
        model.managed.insert(name, (vec![ALLOW_ALL.to_owned()], 0));
    }
    let mut world = World::with(&requests.iter().map(String::as_str).collect::<Vec<_>>());
    let account = world.state.account(ACCOUNT.parse().unwrap()).unwrap();
    let user = account.users().iter().next().unwrap().id;
    let role = account.roles().iter().next().unwrap().id;
    let user = Caller {
        identity: Identity::User(user),
        asking: Asking::User {
            arn: format!("arn:aws:iam::{ACCOUNT}:user/user"),
            id: user.to_string(),
        },
    };
    let role = Caller {
        identity: Identity::RoleSession { role, session_name: "s".into() },
        asking: Asking::Session {
            arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/role/s"),
            role: format!("arn:aws:iam::{ACCOUNT}:role/role"),
            role_id: role.to_string(),
        },
    };
    let (mut changes, mut allowed) = (0, 0);
    for _ in 0..1_500 {
        changes += u32::from(model.change(&mut world, &mut random));
        let texts = [(&user, model.texts_of_user()), (&role, model.texts(&[&model.role]))];
        for (caller, texts) in texts {
            allowed += check(&world, caller, texts, &mut random);
        }
    }
    // A comparison is worth what it meets.
    assert!(changes > 600, "{changes} changes");
    assert!(allowed > 2_000, "{allowed} requests allowed");
}
