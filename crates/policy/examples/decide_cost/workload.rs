//! The measured policies: five statements each, with conditions of every family, none of which
//! allows the measured request. `xtask/rivals` gives the same to other engines.

/// What every measured request asks for.
pub(crate) const ACTION: &str = "s3:GetObject";
/// On what.
pub(crate) const RESOURCE: &str = "arn:aws:s3:::bucket-7/key";
/// Who asks.
pub(crate) const PRINCIPAL: &str = "arn:aws:iam::111122223333:user/ana";

/// A statement that allows something.
pub(crate) struct Statement {
    /// Actions; a `*` at the end stands for anything.
    pub(crate) actions: Vec<String>,
    /// A pattern of resources.
    pub(crate) resource: String,
    /// When it applies.
    pub(crate) condition: Condition,
}

/// A condition of a statement.
#[derive(Clone, Copy)]
pub(crate) enum Condition {
    /// The caller's tag `team` is `blue`.
    Team,
    /// The request comes from 10.0.0.0/8.
    Address,
    /// It is earlier than 2030.
    Time,
    /// The caller is a role below `app/`.
    Role,
    /// The connection is encrypted.
    Encrypted,
}

impl Condition {
    const ALL: [Condition; 5] = [
        Condition::Team,
        Condition::Address,
        Condition::Time,
        Condition::Role,
        Condition::Encrypted,
    ];

    fn to_json(self) -> &'static str {
        match self {
            Condition::Team => r#"{"StringEquals":{"aws:PrincipalTag/team":"blue"}}"#,
            Condition::Address => r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            Condition::Time => r#"{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#,
            Condition::Role => r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app/*"}}"#,
            Condition::Encrypted => r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
        }
    }
}

/// A number of policies, none about the measured action.
pub(crate) fn policies(count: usize) -> Vec<Vec<Statement>> {
    (0..count).map(policy).collect()
}

/// One such policy.
pub(crate) fn policy(number: usize) -> Vec<Statement> {
    let statement = |(place, condition): (usize, Condition)| Statement {
        actions: vec![format!("ec2:Do{number}x{place}"), format!("ec2:Get{number}*")],
        resource: format!("arn:aws:ec2:*:*:thing/{number}-{place}/*"),
        condition,
    };
    Condition::ALL.into_iter().enumerate().map(statement).collect()
}

/// Policies of which `sharing` name the measured action on other resources, patterns that begin
/// with `*` among them.
pub(crate) fn mixed(others: usize, sharing: usize) -> Vec<Vec<Statement>> {
    let mut all = policies(others);
    all.extend((0..sharing).map(|number| {
        let statement = |place| Statement {
            actions: vec![ACTION.to_owned()],
            resource: match place {
                0 => format!("arn:aws:s3:::*-{number}-x/*"),
                _ => format!("arn:aws:s3:::data-{number}-{place}/*"),
            },
            condition: Condition::Encrypted,
        };
        (0..5).map(statement).collect()
    }));
    all
}

/// A policy as a document.
pub(crate) fn to_json(policy: &[Statement]) -> String {
    let statements: Vec<String> = policy
        .iter()
        .map(|statement| {
            let actions: Vec<String> =
                statement.actions.iter().map(|action| format!("\"{action}\"")).collect();
            format!(
                r#"{{"Effect":"Allow","Action":[{}],"Resource":"{}","Condition":{}}}"#,
                actions.join(","),
                statement.resource,
                statement.condition.to_json()
            )
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}
