//! The subtle rules, each with the near miss beside it, on both evaluators.
//!
//! Numbers in brackets are those of the rules that implementations get wrong; "vector" names the
//! rows derived from the evaluation logic. Source: IAM User Guide, its pages on policy elements and
//! evaluation logic; Organizations User Guide.

use iamd_simulate::case::{Caller, Compiled, Held, Question, Texts};
use iamd_simulate::plain::{self, Documents};

const A: &str = "111122223333";
const B: &str = "999988887777";
const KEY: &str = "arn:aws:s3:::bucket/key";

fn ana() -> Caller {
    Caller::User { arn: format!("arn:aws:iam::{A}:user/ana"), id: "AIDAANA".to_owned() }
}

fn app() -> Caller {
    Caller::Session {
        arn: format!("arn:aws:sts::{A}:assumed-role/app/s1"),
        role: format!("arn:aws:iam::{A}:role/app"),
        role_id: "AROAAPP".to_owned(),
    }
}

fn fay() -> Caller {
    Caller::FederatedUser {
        arn: format!("arn:aws:sts::{A}:federated-user/fay"),
        user: Some(format!("arn:aws:iam::{A}:user/ana")),
    }
}

fn linked() -> Caller {
    let path = "aws-service-role/x.amazonaws.com";
    Caller::Session {
        arn: format!("arn:aws:sts::{A}:assumed-role/AWSServiceRoleForX/s"),
        role: format!("arn:aws:iam::{A}:role/{path}/AWSServiceRoleForX"),
        role_id: "AROASLR".to_owned(),
    }
}

fn root() -> Caller {
    Caller::Root { account: A.to_owned() }
}

fn ec2() -> Caller {
    Caller::Service { name: "ec2.amazonaws.com".to_owned() }
}

/// A question with its policies, put together step by step.
#[derive(Clone)]
struct Case {
    question: Question,
    texts: Texts,
}

fn ask(caller: Caller, action: &str, resource: &str) -> Case {
    let question = Question {
        caller,
        action: action.to_owned(),
        resource: resource.to_owned(),
        owner: Some(A.to_owned()),
        context: Vec::new(),
        principal_keys: false,
    };
    Case { question, texts: Texts::default() }
}

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// A statement with an action and a resource, and more behind.
fn says(effect: &str, action: &str, resource: &str, more: &str) -> String {
    document(&format!(
        r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"{more}}}"#
    ))
}

fn all() -> String {
    says("Allow", "*", "*", "")
}

fn nothing() -> String {
    document("")
}

fn grant(principal: &str) -> String {
    says("Allow", "*", "*", &format!(r#","Principal":{principal}"#))
}

fn trust(principal: &str) -> String {
    document(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#))
}

fn condition(condition: &str) -> String {
    says("Allow", "*", "*", &format!(r#","Condition":{condition}"#))
}

impl Case {
    fn owner(mut self, owner: &str) -> Case {
        self.question.owner = Some(owner.to_owned());
        self
    }
    fn key(mut self, key: &str, value: &str) -> Case {
        self.question.context.push((key.to_owned(), Held::One(value.to_owned())));
        self
    }
    fn keys(mut self, key: &str, values: &[&str]) -> Case {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.question.context.push((key.to_owned(), Held::Many(values)));
        self
    }
    fn identity(mut self, text: impl Into<String>) -> Case {
        self.texts.identity.push(text.into());
        self
    }
    fn boundary(mut self, text: impl Into<String>) -> Case {
        self.texts.boundary = Some(text.into());
        self
    }
    fn session(mut self, text: impl Into<String>) -> Case {
        self.texts.session = Some(vec![text.into()]);
        self
    }
    fn resource(mut self, text: impl Into<String>) -> Case {
        self.texts.resource = Some(text.into());
        self
    }
    fn trust(mut self, text: impl Into<String>) -> Case {
        self.texts.trust = Some(text.into());
        self
    }
    fn scp(mut self, levels: &[String]) -> Case {
        self.texts.scp = Some(levels.iter().map(|level| vec![level.clone()]).collect());
        self
    }
    fn rcp(mut self, text: impl Into<String>) -> Case {
        self.texts.rcp = Some(vec![vec![text.into()]]);
        self
    }
    fn endpoint(mut self, text: impl Into<String>) -> Case {
        self.texts.endpoint = Some(text.into());
        self
    }

    #[track_caller]
    fn is(&self, expected: &str) {
        let fast = Compiled::of(&self.texts).outcome(&self.question);
        let slow = plain::decide(&self.question, &Documents::of(&self.texts));
        assert_eq!(fast.to_string(), expected, "the compiled evaluator");
        assert_eq!(slow.to_string(), expected, "the plain evaluator");
    }
    #[track_caller]
    fn allowed(&self) {
        self.is("allowed by identity");
    }
    #[track_caller]
    fn denied(&self) {
        self.is("implicitDeny by identity");
    }
}

/// A read by a user with one identity policy.
fn read(policy: String) -> Case {
    ask(ana(), "s3:GetObject", KEY).identity(policy)
}

#[test]
fn wildcards_cross_slashes_1() {
    let of = |path: &str| {
        ask(ana(), "s3:GetObject", &format!("arn:aws:s3:::b/{path}")).identity(says(
            "Allow",
            "*",
            "arn:aws:s3:::b/*/test/*",
            "",
        ))
    };
    of("1/2/test/3/o").allowed();
    of("//test/").allowed();
    of("test/o").denied();
}

#[test]
fn wildcards_find_pieces_that_overlap_1() {
    // The `22` that fits begins within the first one.
    let deny = |pattern: &str| {
        read(all()).key("x:Text", "111122223333").identity(says(
            "Deny",
            "*",
            "*",
            &format!(r#","Condition":{{"StringLike":{{"x:Text":"{pattern}"}}}}"#),
        ))
    };
    deny("111*22?3333*").is("explicitDeny by identity");
    deny("111*22??3333*").is("explicitDeny by identity");
    deny("111*22?33333*").allowed();
}

#[test]
fn wildcards_stay_within_their_field_2() {
    read(says("Allow", "*", "arn:aws:s*:::bucket/key", "")).allowed();
    read(says("Allow", "*", "arn:aws:*/key", "")).denied();
    read(says("Allow", "*", "arn:*:*:*:*:bucket/key", "")).allowed();
}

#[test]
fn a_star_for_a_type_names_nothing_but_everything_3() {
    let instance = "arn:aws:ec2:us-east-1:111122223333:instance/12345";
    let of = |pattern: &str| {
        ask(ana(), "ec2:StopInstances", instance).identity(says("Allow", "*", pattern, ""))
    };
    of("arn:aws:ec2:*:*:*/12345").denied();
    of("arn:aws:ec2:*:*:*:12345").denied();
    of("arn:aws:ec2:*:*:*/*").allowed();
    of("arn:aws:ec2:*:*:instance/12345").allowed();
    read(says("Allow", "*", "arn:aws:s3:::*/key", "")).allowed();
}

#[test]
fn short_arns_differ_by_policy_type_4() {
    read(says("Allow", "*", "arn:aws:s3", "")).allowed();
    read(says("Allow", "*", "arn:aws:ec2", "")).denied();
    let resource = |pattern: &str| {
        ask(ana(), "s3:GetObject", KEY).resource(says("Allow", "*", pattern, r#","Principal":"*""#))
    };
    resource("arn:aws:s3").denied();
    resource("arn:aws:s*").is("allowed by resource");
    let scp = |pattern: &str| read(all()).scp(&[says("Allow", "*", pattern, "")]);
    scp("arn:aws:s3").is("implicitDeny by scp");
    scp("arn:aws:s3:*").allowed();
    let rcp = |pattern: &str| read(all()).rcp(says("Deny", "*", pattern, r#","Principal":"*""#));
    rcp("arn:aws:s3:*").allowed();
    rcp("arn:aws:s3:::*").is("explicitDeny by rcp");
    read(all()).endpoint(says("Allow", "*", "arn:aws:s3", "")).is("implicitDeny by endpoint");
}

#[test]
fn escapes_and_values_are_literal_5_6() {
    let of = |key: &str| {
        ask(ana(), "s3:GetObject", &format!("arn:aws:s3:::bucket/{key}")).identity(says(
            "Allow",
            "*",
            "arn:aws:s3:::bucket/${*}",
            "",
        ))
    };
    of("*").allowed();
    of("x").denied();
    let named = |name: &str, key: &str| {
        ask(ana(), "s3:GetObject", &format!("arn:aws:s3:::bucket/{key}"))
            .key("aws:username", name)
            .identity(says("Allow", "*", "arn:aws:s3:::bucket/${aws:username}", ""))
    };
    named("Bob*", "Bob*").allowed();
    named("Bob*", "Bobby").denied();
}

#[test]
fn variables_have_defaults_places_and_one_value_7_8_10_11() {
    let of = |resource: &str| {
        read(says("Allow", "*", resource, "")).key("aws:username", "key").keys("x:Many", &["key"])
    };
    of("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'key'}").allowed();
    of("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'other'}").denied();
    of("arn:aws:s3:::bucket/${AWS:UserName}").allowed();
    of("arn:aws:${aws:username}:::bucket/key").denied();
    of("arn:aws:s3:::bucket/${x:Many}").denied();
    let old = all()
        .replace("2012-10-17", "2008-10-17")
        .replace(r#""Resource":"*""#, r#""Resource":"arn:aws:s3:::bucket/${aws:username}""#);
    read(old.clone()).key("aws:username", "key").denied();
    ask(ana(), "s3:GetObject", "arn:aws:s3:::bucket/${aws:username}").identity(old).allowed();
    let numeric = condition(r#"{"NumericEquals":{"x:Number":"${x:Number}"}}"#);
    read(numeric).key("x:Number", "1").denied();
    let truth = condition(r#"{"Bool":{"x:Flag":"${x:Other}"}}"#);
    read(truth).key("x:Flag", "true").key("x:Other", "true").allowed();
}

#[test]
fn a_valueless_variable_is_null_9() {
    read(condition(r#"{"StringEquals":{"aws:username":"${x:none}"}}"#))
        .key("aws:username", "ana")
        .denied();
    read(condition(r#"{"StringNotEquals":{"aws:username":"${x:none}"}}"#))
        .key("aws:username", "ana")
        .allowed();
    read(condition(r#"{"ArnNotLike":{"aws:PrincipalArn":"${x:none}"}}"#))
        .key("aws:PrincipalArn", "arn:aws:iam::1:x")
        .allowed();
}

#[test]
fn missing_keys_follow_the_table_12_13_14_15() {
    let of = |operator: &str| read(condition(&format!(r#"{{"{operator}":{{"x:none":"a"}}}}"#)));
    of("StringEquals").denied();
    of("StringNotEquals").allowed();
    of("ArnNotLike").allowed();
    of("NotIpAddress").allowed();
    of("NumericLessThan").denied();
    of("StringEqualsIfExists").allowed();
    of("ForAllValues:StringEquals").allowed();
    of("ForAnyValue:StringEquals").denied();
    of("ForAnyValue:StringEqualsIfExists").allowed();
    read(condition(r#"{"Null":{"x:none":"true"}}"#)).allowed();
    read(condition(r#"{"Null":{"x:none":"false"}}"#)).denied();
    let many = |values: &[&str], operator: &str| {
        read(condition(&format!(r#"{{"{operator}":{{"x:Many":"a"}}}}"#))).keys("x:Many", values)
    };
    many(&[], "ForAllValues:StringEquals").allowed();
    many(&[""], "ForAllValues:StringEquals").allowed();
    many(&[""], "ForAnyValue:StringNotEquals").denied();
    many(&["a", "b"], "ForAllValues:StringEquals").denied();
    many(&["a", "b"], "ForAnyValue:StringEquals").allowed();
}

#[test]
fn a_set_operator_on_a_single_value_is_the_plain_one_16() {
    read(condition(r#"{"ForAllValues:StringEquals":{"aws:username":"ana"}}"#))
        .key("aws:username", "ana")
        .allowed();
    read(condition(r#"{"ForAllValues:StringEquals":{"aws:username":"ana"}}"#))
        .key("aws:username", "bob")
        .denied();
}

#[test]
fn arn_operators_compare_fields_17() {
    let of = |operator: &str, pattern: &str, value: &str| {
        read(condition(&format!(r#"{{"{operator}":{{"x:Arn":"{pattern}"}}}}"#))).key("x:Arn", value)
    };
    let value = "arn:aws:svc:eu:111122223333:finance/x";
    of("ArnEquals", "arn:aws:svc:*:*:finance/*", value).allowed();
    of("ArnLike", "arn:aws:svc:*:111122223333:Finance/*", value).denied();
    of("ArnLike", "arn:aws:svc:*:finance/*", value).denied();
    of("ArnNotLike", "arn:aws:svc:*:finance/*", value).denied();
    of("ArnNotLike", "arn:aws:other:*:*:*", value).allowed();
    of("ArnLike", "arn:aws:svc:*:*:*", "no arn").denied();
    of("ArnNotLike", "arn:aws:svc:*:*:*", "no arn").denied();
}

#[test]
fn operands_that_cannot_be_read_are_false_18_19_20_21_22_50() {
    let of = |operator: &str, wanted: &str, value: &str| {
        read(condition(&format!(r#"{{"{operator}":{{"x:Key":{wanted}}}}}"#))).key("x:Key", value)
    };
    of("BinaryEquals", r#""YWJj""#, "YWJj").allowed();
    of("BinaryEquals", r#""YWJj""#, "YWJk").denied();
    of("IpAddress", r#"["10.0.0.0/8","192.168.1.1"]"#, "192.168.1.1").allowed();
    of("IpAddress", r#""0.0.0.0/0""#, "::1").denied();
    of("NotIpAddress", r#""300.0.0.0/8""#, "10.1.1.1").denied();
    of("NotIpAddress", r#""10.0.0.0/8""#, "nowhere").denied();
    of("NotIpAddress", r#""10.0.0.0/8""#, "11.1.1.1").allowed();
    of("DateLessThan", r#""2024-01-02""#, "2024-01-01T23:59:59Z").allowed();
    of("DateEquals", "1704067200", "2024-01-01").allowed();
    of("DateNotEquals", r#""2024-*""#, "2024-01-01").denied();
    of("NumericEquals", "5", "5.0").allowed();
    of("NumericNotEquals", r#""five""#, "5").denied();
    of("NumericNotEquals", "5", "many").denied();
}

/// Through a VPC endpoint a request has no `aws:SourceIp`.
#[test]
fn a_request_without_a_source_address_misses_an_allow_and_meets_a_deny_20() {
    let inside = r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
    let outside = r#","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
    read(condition(inside)).denied();
    read(condition(inside)).key("aws:SourceIp", "10.1.1.1").allowed();
    let deny = || read(all()).identity(says("Deny", "*", "*", outside));
    deny().is("explicitDeny by identity");
    deny().key("aws:SourceIp", "10.1.1.1").allowed();
}

#[test]
fn letter_case_counts_where_it_should_23_24_25_26() {
    read(says("Allow", "S3:getOBJECT", "*", "")).allowed();
    read(says("Allow", "s3:GetObject*", "*", "")).allowed();
    for wrong in ["s3:GetObject,PutObject", "s3:", "GetObject", " s3:GetObject"] {
        read(says("Allow", wrong, "*", "")).denied();
    }
    read(says("Allow", "*", "arn:aws:s3:::Bucket/key", "")).denied();
    read(condition(r#"{"StringEquals":{"AWS:resourcetag/TagKey1":"v"}}"#))
        .key("aws:ResourceTag/tagkey1", "v")
        .allowed();
    read(condition(r#"{"StringEquals":{"aws:username":"ana()"}}"#))
        .key("aws:username", "ana")
        .denied();
    read(condition(r#"{"stringEquals":{"aws:username":"ana"}}"#))
        .key("aws:username", "ana")
        .denied();
}

#[test]
fn negated_elements_are_complements_27() {
    let not = |element: &str, value: &str| {
        let other = if element == "NotAction" { r#""Resource":"*""# } else { r#""Action":"*""# };
        read(document(&format!(r#"{{"Effect":"Allow","{element}":"{value}",{other}}}"#)))
    };
    not("NotAction", "iam:*").allowed();
    not("NotAction", "s3:Get*").denied();
    not("NotResource", "arn:aws:s3:::other/*").allowed();
    not("NotResource", "arn:aws:s3:::bucket/*").denied();
}

#[test]
fn not_principal_spares_whom_it_names_himself_28_47() {
    let deny =
        |names: &str| says("Deny", "*", "*", &format!(r#","NotPrincipal":{{"AWS":{names}}}"#));
    let user = |names: &str| read(all()).resource(deny(names));
    user(r#""arn:aws:iam::111122223333:user/ana""#).allowed();
    user(r#""111122223333""#).is("explicitDeny by resource");
    let session =
        |names: &str| ask(app(), "s3:GetObject", KEY).identity(all()).resource(deny(names));
    session(r#""arn:aws:sts::111122223333:assumed-role/app/s1""#).allowed();
    session(r#""arn:aws:iam::111122223333:role/app""#).is("explicitDeny by resource");
    user(r#""arn:aws:iam::111122223333:user/ana""#).boundary(all()).is("explicitDeny by resource");
    let allow = |names: &str| says("Allow", "*", "*", &format!(r#","NotPrincipal":{names}"#));
    ask(ana(), "s3:GetObject", KEY)
        .resource(allow(r#"{"AWS":"999988887777"}"#))
        .is("allowed by resource");
    ask(Caller::Anonymous, "s3:GetObject", KEY)
        .resource(allow(r#"{"AWS":"111122223333"}"#))
        .is("allowed by resource");
    ask(ana(), "s3:GetObject", KEY).resource(allow(r#"{"AWS":"111122223333"}"#)).denied();
    ask(ana(), "s3:GetObject", KEY).resource(allow(r#""*""#)).denied();
}

#[test]
fn an_account_as_principal_only_delegates_29() {
    for account in [r#"{"AWS":"111122223333"}"#, r#"{"AWS":"arn:aws:iam::111122223333:root"}"#] {
        ask(ana(), "s3:GetObject", KEY).resource(grant(account)).denied();
        read(all()).resource(grant(account)).allowed();
    }
}

#[test]
fn principals_are_whole_and_unique_ids_count_30_31_32() {
    ask(ana(), "s3:GetObject", KEY)
        .resource(grant(r#"{"AWS":"arn:aws:iam::111122223333:user/*"}"#))
        .denied();
    ask(ana(), "s3:GetObject", KEY)
        .resource(grant(r#"{"AWS":"AIDAANA"}"#))
        .is("allowed by resource");
    ask(ana(), "s3:GetObject", KEY).resource(grant(r#"{"AWS":"AIDAOLD"}"#)).denied();
    ask(app(), "s3:GetObject", KEY)
        .resource(grant(r#"{"AWS":"AROAAPP"}"#))
        .is("allowed by resource");
    let role =
        condition(r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}"#);
    ask(app(), "s3:GetObject", KEY)
        .key("aws:PrincipalArn", "arn:aws:iam::111122223333:role/app")
        .identity(role)
        .allowed();
}

/// Vectors 1 to 7.
#[test]
fn grants_of_resources_and_what_still_limits_them_33_46() {
    let user = grant(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#);
    let role = grant(r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#);
    let session = grant(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s1"}"#);
    let federated = grant(r#"{"AWS":"arn:aws:sts::111122223333:federated-user/fay"}"#);
    read(all()).boundary(nothing()).is("implicitDeny by boundary");
    ask(ana(), "s3:GetObject", KEY)
        .boundary(nothing())
        .resource(user.clone())
        .is("allowed by resource");
    let of_app = || ask(app(), "s3:GetObject", KEY);
    of_app().boundary(nothing()).resource(role.clone()).is("implicitDeny by boundary");
    of_app().boundary(nothing()).resource(session.clone()).is("allowed by resource");
    of_app().session(nothing()).resource(role.clone()).is("implicitDeny by session");
    of_app().session(nothing()).resource(session).is("allowed by resource");
    of_app().resource(role).is("allowed by resource");
    let of_fay = || ask(fay(), "s3:GetObject", KEY);
    of_fay().identity(all()).is("implicitDeny by session");
    of_fay().identity(all()).session(all()).allowed();
    of_fay().resource(federated).is("allowed by resource");
    of_fay().session(all()).resource(user.clone()).is("allowed by resource");
    of_fay().resource(user).is("implicitDeny by session");
}

#[test]
fn a_resource_statement_needs_a_principal_34() {
    ask(ana(), "s3:GetObject", KEY).resource(all()).denied();
    read(all()).endpoint(all()).allowed();
    read(all())
        .endpoint(says("Allow", "*", "*", r#","Principal":{"AWS":"999988887777"}"#))
        .is("implicitDeny by endpoint");
}

/// Vectors 8 and 9.
#[test]
fn another_account_needs_both_sides_35() {
    let there = || ask(ana(), "s3:GetObject", KEY).owner(B);
    there().identity(all()).is("implicitDeny by resource");
    there()
        .resource(grant(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#))
        .is("implicitDeny by identity");
    there().identity(all()).resource(grant(r#"{"AWS":"111122223333"}"#)).allowed();
    there()
        .identity(all())
        .resource(grant(r#"{"AWS":"222233334444"}"#))
        .is("implicitDeny by resource");
}

/// Vectors 13 and 14.
#[test]
fn trust_and_key_policies_must_allow_36_51_52() {
    let role = "arn:aws:iam::111122223333:role/target";
    let assume = |caller: Caller| ask(caller, "sts:AssumeRole", role);
    assume(ana())
        .identity(all())
        .trust(trust(r#"{"AWS":"999988887777"}"#))
        .is("implicitDeny by trust");
    assume(ana()).trust(trust(r#"{"AWS":"111122223333"}"#)).is("implicitDeny by identity");
    assume(ana()).identity(all()).trust(trust(r#"{"AWS":"111122223333"}"#)).allowed();
    assume(ana())
        .trust(trust(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#))
        .is("allowed by trust");
    assume(ana()).identity(all()).is("implicitDeny by trust");
    // A resource policy must name its resource; one written as a trust policy grants nothing.
    assume(ana())
        .resource(trust(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#))
        .is("implicitDeny by resource");
    assume(root()).trust(trust(r#""*""#)).denied();
    assume(ana()).trust(says("Allow", "sts:*", role, r#","Principal":"*""#)).is("allowed by trust");
    assume(ana())
        .trust(says("Allow", "sts:*", "arn:aws:iam::111122223333:role/x", r#","Principal":"*""#))
        .is("implicitDeny by trust");
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    ask(ana(), "kms:Decrypt", key).identity(all()).is("implicitDeny by resource");
    ask(ana(), "kms:Decrypt", key)
        .identity(all())
        .resource(grant(r#"{"AWS":"111122223333"}"#))
        .allowed();
    ask(ana(), "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:alias/a")
        .identity(all())
        .allowed();
}

/// Vector 16.
#[test]
fn some_calls_need_no_permission_37() {
    let deny = says("Deny", "*", "*", "");
    ask(ana(), "sts:GetCallerIdentity", "*").identity(deny.clone()).allowed();
    ask(ana(), "sts:GetAccessKeyInfo", "*").identity(deny).is("explicitDeny by identity");
    ask(ana(), "sts:GetSessionToken", "*").allowed();
    ask(app(), "sts:GetSessionToken", "*").identity(all()).denied();
    ask(fay(), "iam:ListUsers", "*").identity(all()).session(all()).denied();
}

#[test]
fn actions_without_resources_have_the_resource_star_38() {
    let of = |pattern: &str, effect: &str| {
        ask(ana(), "s3:ListAllMyBuckets", "*")
            .identity(all())
            .identity(says(effect, "s3:*", pattern, ""))
    };
    of("arn:aws:s3:::*", "Deny").allowed();
    of("*", "Deny").is("explicitDeny by identity");
    ask(ana(), "s3:ListAllMyBuckets", "*")
        .identity(says("Allow", "*", "arn:aws:s3:::*", ""))
        .denied();
}

#[test]
fn some_things_are_beyond_policies_39() {
    let of = |action: &str, resource: &str| ask(ana(), action, resource).identity(all());
    of("iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess").denied();
    of("iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess").allowed();
    let linked =
        "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    of("iam:TagRole", linked).denied();
    of("iam:PassRole", linked).allowed();
    of("iam:PassRole", "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/R").denied();
    of("kms:DeleteAlias", "arn:aws:kms:us-east-1:111122223333:alias/aws/s3").denied();
    let deny = says("Deny", "*", "*", "");
    ask(root(), "iam:DeletePolicy", "arn:aws:iam::aws:policy/X").denied();
    of("iam:DeletePolicy", "arn:aws:iam::aws:policy/X")
        .identity(deny)
        .is("explicitDeny by identity");
}

/// Vectors 10, 12, 17 and 18.
#[test]
fn guardrails_40_41() {
    let allow = all();
    let gap = says("Allow", "ec2:*", "*", "");
    let deny = says("Deny", "s3:*", "*", "");
    read(all()).scp(&[allow.clone(), allow.clone()]).allowed();
    read(all()).scp(&[allow.clone(), gap.clone(), allow.clone()]).is("implicitDeny by scp");
    ask(root(), "s3:GetObject", KEY).scp(std::slice::from_ref(&gap)).is("implicitDeny by scp");
    ask(root(), "s3:GetObject", KEY).scp(std::slice::from_ref(&deny)).is("explicitDeny by scp");
    ask(linked(), "s3:GetObject", KEY).identity(all()).scp(&[deny]).allowed();
    let everyone = grant(r#""*""#);
    ask(ec2(), "s3:GetObject", KEY)
        .resource(everyone.clone())
        .scp(&[gap])
        .is("allowed by resource");
    let rcp = says("Deny", "s3:*", "*", r#","Principal":"*""#);
    ask(ec2(), "s3:GetObject", KEY).resource(everyone).rcp(rcp.clone()).is("explicitDeny by rcp");
    read(all()).rcp(nothing()).allowed();
    ask(ana(), "ec2:StopInstances", "*")
        .identity(all())
        .rcp(says("Deny", "*", "*", r#","Principal":"*""#))
        .allowed();
    ask(linked(), "s3:GetObject", KEY).identity(all()).rcp(rcp).allowed();
}

/// Vector 11: the management account has none, which is not the same as having empty ones.
#[test]
fn an_account_without_service_control_policies_is_not_under_them_40() {
    read(all()).allowed();
    read(all()).scp(&[nothing()]).is("implicitDeny by scp");
    read(all()).scp(&[says("Deny", "*", "*", "")]).is("explicitDeny by scp");
}

/// Vector 15.
#[test]
fn mfa_is_missing_or_false_42() {
    let deny = |operator: &str| {
        says(
            "Deny",
            "*",
            "*",
            &format!(r#","Condition":{{"{operator}":{{"aws:MultiFactorAuthPresent":"false"}}}}"#),
        )
    };
    read(all()).identity(deny("Bool")).allowed();
    read(all()).identity(deny("BoolIfExists")).is("explicitDeny by identity");
    read(all())
        .identity(deny("Bool"))
        .key("aws:MultiFactorAuthPresent", "false")
        .is("explicitDeny by identity");
}

#[test]
fn twins_void_a_document_43() {
    let twin = all().replace(r#""Version":"2012-10-17","#, r#""Statement":[],"#);
    read(twin).denied();
}

/// Vector 20.
#[test]
fn not_resource_and_short_arns_and_variables_48_49() {
    let not = |pattern: &str| {
        read(document(&format!(r#"{{"Effect":"Allow","Action":"*","NotResource":"{pattern}"}}"#)))
    };
    not("arn:aws:ec2").allowed();
    not("arn:aws:s3").denied();
    not("arn:aws:s3:::other/${x:none}").denied();
    not("arn:aws:s3:::other/x").allowed();
    read(says("Allow", "*", "arn:aws:s3:::bucket/${x:none}", "")).denied();
}

#[test]
fn evaluation_is_wider_than_the_check_on_write_51() {
    let with_principal = says("Deny", "*", "*", r#","Principal":"*""#);
    read(all()).identity(with_principal).is("explicitDeny by identity");
    read(says("Allow", "*", "*", r#","Principal":"*""#)).denied();
    read(all()).rcp(says("Deny", "*", "*", r#","Principal":"*""#)).is("explicitDeny by rcp");
    let bare = says("Allow", "*", "*", r#","Principal":"arn:aws:iam::111122223333:user/ana""#);
    ask(ana(), "s3:GetObject", KEY).resource(bare).is("allowed by resource");
}

/// Vector 19.
#[test]
fn for_all_values_holds_without_the_key() {
    let tags = condition(r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}"#);
    read(tags.clone()).allowed();
    read(tags).keys("aws:TagKeys", &["a", "b"]).denied();
}

#[test]
fn a_valueless_variable_in_not_resource_applies_to_no_resource_at_all_49() {
    let not = |action: &str, resource: &str| {
        let pattern = "arn:aws:s3:::bucket/${x:none}";
        ask(ana(), action, resource).identity(document(&format!(
            r#"{{"Effect":"Allow","Action":"*","NotResource":"{pattern}"}}"#
        )))
    };
    not("s3:ListAllMyBuckets", "*").denied();
    not("own:Thing", "no arn").denied();
    ask(ana(), "s3:ListAllMyBuckets", "*")
        .identity(document(
            r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::bucket/${x:none, 'a'}"}"#,
        ))
        .allowed();
}

#[test]
fn a_multivalued_key_has_no_use_for_a_default_10() {
    let of = |values: &[&str]| {
        read(says("Allow", "*", "arn:aws:s3:::bucket/${x:Many, 'key'}", "")).keys("x:Many", values)
    };
    of(&["other"]).denied();
    of(&["key"]).denied();
    of(&[]).allowed();
}

#[test]
fn a_pattern_that_is_no_arn_is_unreadable_17() {
    let of = |operator: &str, pattern: &str| {
        read(condition(&format!(r#"{{"{operator}":{{"x:Arn":"{pattern}"}}}}"#)))
            .key("x:Arn", "arn:aws:s3:::bucket")
    };
    of("ArnNotLike", "urn:aws:s3:::other").denied();
    of("ArnNotLike", "arn:aws:s3:::other").allowed();
    of("ArnLike", "*:aws:s3:::bucket").allowed();
    of("ArnNotLike", "a?n:aws:s3:::other").allowed();
}

#[test]
fn dates_have_sixty_seconds_and_any_fraction_21() {
    let not = |date: &str| {
        read(condition(r#"{"DateNotEquals":{"x:Date":"2020-01-01"}}"#)).key("x:Date", date)
    };
    not("2025-12-31T23:59:60Z").denied();
    not("2025-12-31T23:59:59Z").allowed();
    not("2025-12-31T23:59:59.00000000000000000001Z").allowed();
    not("2025-12-31T23:59:59.0000000000000000000xZ").denied();
}

#[test]
fn an_empty_name_names_nobody_30() {
    let nameless = Caller::User { arn: format!("arn:aws:iam::{A}:user/ana"), id: String::new() };
    let everyone_else = r#"{"AWS":""}"#;
    ask(nameless.clone(), "s3:GetObject", KEY).resource(grant(everyone_else)).denied();
    ask(nameless, "s3:GetObject", KEY)
        .identity(all())
        .resource(says("Deny", "*", "*", &format!(r#","NotPrincipal":{everyone_else}"#)))
        .is("explicitDeny by resource");
}

#[test]
fn an_account_is_named_in_full_30() {
    for name in ["arn:*:iam::111122223333:root", "arn:aws:iam:eu:111122223333:root"] {
        ask(ana(), "s3:GetObject", KEY)
            .owner(B)
            .identity(all())
            .resource(grant(&format!(r#"{{"AWS":"{name}"}}"#)))
            .is("implicitDeny by resource");
    }
    ask(ana(), "s3:GetObject", KEY)
        .owner(B)
        .identity(all())
        .resource(grant(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#))
        .allowed();
}

#[test]
fn what_goes_with_a_role_needs_its_trust_as_well_36() {
    let role = "arn:aws:iam::111122223333:role/target";
    for action in ["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"] {
        ask(ana(), action, role).identity(all()).is("implicitDeny by trust");
        ask(ana(), action, role)
            .identity(all())
            .trust(says("Allow", "sts:*", role, r#","Principal":{"AWS":"111122223333"}"#))
            .allowed();
    }
    // Tags of a federated user's session have nothing to do with a role.
    ask(ana(), "sts:TagSession", "arn:aws:sts::111122223333:federated-user/fay")
        .identity(all())
        .allowed();
}

#[test]
fn no_rcp_stands_between_a_service_and_its_linked_role_41() {
    let rcp = says("Deny", "sts:*", "*", r#","Principal":"*""#);
    let of = |path: &str| {
        ask(ec2(), "sts:AssumeRole", &format!("arn:aws:iam::{A}:role/{path}"))
            .trust(trust(r#"{"Service":"ec2.amazonaws.com"}"#))
            .rcp(rcp.clone())
    };
    of("aws-service-role/ec2.amazonaws.com/AWSServiceRoleForX").is("allowed by trust");
    of("own").is("explicitDeny by rcp");
}

#[test]
fn only_who_signs_learns_who_he_is_37() {
    let outsider = Caller::Outsider { provider: "accounts.google.com".to_owned() };
    ask(outsider, "sts:GetCallerIdentity", "*").is("implicitDeny by resource");
    ask(Caller::Anonymous, "sts:GetCallerIdentity", "*").is("implicitDeny by resource");
    ask(ec2(), "sts:GetCallerIdentity", "*").allowed();
}

#[test]
fn both_principal_elements_leave_a_deny_in_force_where_neither_belongs_51() {
    let both = r#","Principal":{"AWS":"999988887777"},"NotPrincipal":"*""#;
    read(all()).identity(says("Deny", "*", "*", both)).is("explicitDeny by identity");
    read(says("Allow", "*", "*", both)).denied();
    read(all()).resource(says("Deny", "*", "*", both)).allowed();
    read(all()).endpoint(says("Allow", "*", "*", both)).is("implicitDeny by endpoint");
}

#[test]
fn a_star_stands_for_a_type_only_where_there_are_types_3() {
    let of = |resource: &str, pattern: &str| {
        ask(ana(), "own:Thing", resource).identity(says("Allow", "*", pattern, ""))
    };
    of(
        "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/n/i",
        "arn:aws:wafv2:*:*:*/webacl/n/i",
    )
    .allowed();
    of("arn:aws:execute-api:us-east-1:111122223333:api/stage/GET/x", "arn:aws:*:*:*:*/stage/GET/x")
        .allowed();
    of("arn:aws:servicecatalog:us-east-1:111122223333:/applications/a", "arn:aws:*:*:*:*/a")
        .allowed();
    of("arn:aws:backup:us-east-1:111122223333:backup-vault:a", "arn:aws:*:*:*:*:a").denied();
    of("arn:aws:own:us-east-1:111122223333:thing/a", "arn:aws:*:*:*:*/a").denied();
}
