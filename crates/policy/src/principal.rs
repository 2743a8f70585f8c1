//! Who asks, and how the elements `Principal` and `NotPrincipal` name him.

use std::borrow::Cow;

use crate::arn::{Arn, is_account_id};

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The root user of an account.
    Root {
        /// The account.
        account: String,
    },
    /// An IAM user, with long-term keys or with credentials from GetSessionToken.
    User {
        /// `arn:aws:iam::ACCOUNT:user/...`
        arn: String,
        /// `AIDA...`; empty when it is not known.
        unique_id: String,
        /// Whether a permissions boundary is set on him.
        has_boundary: bool,
    },
    /// A session of a role.
    RoleSession {
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`
        session_arn: String,
        /// `arn:aws:iam::ACCOUNT:role/...`, path included.
        role_arn: String,
        /// `AROA...`; empty when it is not known.
        role_id: String,
        /// Whether a permissions boundary is set on the role.
        has_boundary: bool,
    },
    /// A session from GetFederationToken.
    FederatedUser {
        /// `arn:aws:sts::ACCOUNT:federated-user/NAME`
        arn: String,
        /// The ARN of the IAM user who made the session, when it is known.
        user_arn: Option<String>,
        /// Whether a permissions boundary is set on that user.
        has_boundary: bool,
    },
    /// An AWS service.
    Service {
        /// Such as `ec2.amazonaws.com`.
        name: String,
    },
    /// Whoever a SAML or OpenID Connect provider vouches for, before he has a session.
    Federated {
        /// ARN of the provider, or the host name of a built-in one.
        provider: String,
    },
    /// Nobody in particular: the request is not signed.
    Anonymous,
}

impl Principal {
    /// The caller's ARN as answers show it; none for services, outsiders and the anonymous.
    pub fn arn(&self) -> Option<Cow<'_, str>> {
        match self {
            Principal::Root { account } => Some(Cow::Owned(format!("arn:aws:iam::{account}:root"))),
            Principal::User { arn, .. } | Principal::FederatedUser { arn, .. } => Some(arn.into()),
            Principal::RoleSession { session_arn, .. } => Some(session_arn.into()),
            Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => None,
        }
    }

    /// The account that the caller belongs to.
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::Root { account } => Some(account),
            Principal::User { arn, .. }
            | Principal::FederatedUser { arn, .. }
            | Principal::RoleSession { session_arn: arn, .. } => Arn::parse(arn)?.owner(),
            Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => None,
        }
    }

    /// Whether the caller is a session of a service-linked role.
    ///
    /// Source: IAM User Guide, "Service-linked roles": their path, or, as session ARNs carry no
    /// path, the reserved beginning of their names.
    pub(crate) fn is_service_linked(&self) -> bool {
        match self {
            Principal::RoleSession { role_arn, session_arn, .. } => {
                let resource = |arn| Arn::parse(arn).map_or("", |arn: Arn<'_>| arn.resource);
                resource(role_arn).starts_with("role/aws-service-role/")
                    || resource(session_arn).starts_with("assumed-role/AWSServiceRoleFor")
            }
            Principal::Root { .. }
            | Principal::User { .. }
            | Principal::FederatedUser { .. }
            | Principal::Service { .. }
            | Principal::Federated { .. }
            | Principal::Anonymous => false,
        }
    }

    /// Whether identity-based policies can speak for the caller at all.
    pub(crate) fn has_identity_side(&self) -> bool {
        match self {
            Principal::Root { .. }
            | Principal::User { .. }
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. } => true,
            Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => false,
        }
    }

    fn has_boundary(&self) -> bool {
        match self {
            Principal::User { has_boundary, .. }
            | Principal::RoleSession { has_boundary, .. }
            | Principal::FederatedUser { has_boundary, .. } => *has_boundary,
            Principal::Root { .. }
            | Principal::Service { .. }
            | Principal::Federated { .. }
            | Principal::Anonymous => false,
        }
    }

    /// The condition keys that follow from a caller, in lower case.
    pub(crate) const KEYS: [&str; 8] = [
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:federatedprovider",
    ];

    /// The value of a condition key that follows from the caller; the key in lower case.
    ///
    /// Source: IAM User Guide, "Principal key values" and "Global condition keys".
    pub fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        let outside = matches!(self, Principal::Federated { .. });
        match (key, self) {
            ("aws:principalarn", Principal::RoleSession { role_arn, .. }) => Some(role_arn.into()),
            ("aws:principalarn", _) => self.arn(),
            ("aws:principalaccount", Principal::Anonymous) => Some("anonymous".into()),
            ("aws:principalaccount", _) => self.account().map(Cow::Borrowed),
            ("aws:principaltype", _) => self.kind().map(Cow::Borrowed),
            ("aws:userid", _) => self.user_id(),
            ("aws:username", Principal::User { arn, .. }) => Some(last_segment(arn).into()),
            ("aws:principalisawsservice", Principal::Service { .. }) => Some("true".into()),
            ("aws:principalisawsservice", Principal::Anonymous) => None,
            ("aws:principalisawsservice", _) if !outside => Some("false".into()),
            ("aws:principalservicename", Principal::Service { name }) => Some(name.into()),
            ("aws:federatedprovider", Principal::Federated { provider }) => Some(provider.into()),
            _ => None,
        }
    }

    /// The value of `aws:PrincipalType`.
    fn kind(&self) -> Option<&'static str> {
        match self {
            Principal::Root { .. } => Some("Account"),
            Principal::User { .. } => Some("User"),
            Principal::RoleSession { .. } => Some("AssumedRole"),
            Principal::FederatedUser { .. } => Some("FederatedUser"),
            Principal::Service { .. } => Some("Service"),
            Principal::Federated { .. } => None,
            Principal::Anonymous => Some("Anonymous"),
        }
    }

    /// The value of `aws:userid`.
    fn user_id(&self) -> Option<Cow<'_, str>> {
        match self {
            Principal::Root { account } => Some(account.into()),
            Principal::User { unique_id, .. } => known(unique_id).map(Cow::Borrowed),
            Principal::RoleSession { session_arn, role_id, .. } => {
                Some(format!("{}:{}", known(role_id)?, last_segment(session_arn)).into())
            }
            Principal::FederatedUser { arn, .. } => {
                Some(format!("{}:{}", self.account()?, last_segment(arn)).into())
            }
            Principal::Service { .. } | Principal::Federated { .. } => None,
            Principal::Anonymous => Some("anonymous".into()),
        }
    }
}

fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn known(id: &str) -> Option<&str> {
    (!id.is_empty()).then_some(id)
}

/// How a resource-based policy has named whom it allows; the later, the more direct.
///
/// Source: IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny
/// access", section "Resource-based policies".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// By his account: that alone grants nothing.
    Account,
    /// By something whose own policies still limit him: the role of a session, the user behind a
    /// federated user.
    Parent,
    /// By himself, by everyone, or as a service or outsider.
    Direct,
}

/// The kinds of principals that an element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Accounts, users, roles, sessions.
    Aws,
    /// AWS services.
    Service,
    /// Identity providers.
    Federated,
    /// Canonical user ids of S3.
    CanonicalUser,
}

impl PrincipalKind {
    /// The key in the element.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::Aws => "AWS",
            PrincipalKind::Service => "Service",
            PrincipalKind::Federated => "Federated",
            PrincipalKind::CanonicalUser => "CanonicalUser",
        }
    }

    pub(crate) fn parse(key: &str) -> Option<PrincipalKind> {
        let all = [
            PrincipalKind::Aws,
            PrincipalKind::Service,
            PrincipalKind::Federated,
            PrincipalKind::CanonicalUser,
        ];
        all.into_iter().find(|kind| kind.as_str() == key)
    }
}

/// The element `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalClause {
    /// Whether it is `NotPrincipal`.
    pub(crate) negated: bool,
    pub(crate) names: Box<[Name]>,
}

/// A value of the element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// `*`
    Everyone,
    /// An account id, or the ARN of its root.
    Account(Box<str>),
    /// The ARN of a user, role or session.
    Arn(Box<str>),
    /// The unique id of a user or role, or an account-less id that names nobody.
    UniqueId(Box<str>),
    /// A service.
    Service(Box<str>),
    /// An identity provider.
    Federated(Box<str>),
    /// A canonical user of S3; nobody here is one.
    CanonicalUser,
}

impl Name {
    pub(crate) fn parse(kind: PrincipalKind, value: &str) -> Name {
        match kind {
            PrincipalKind::Aws => Name::parse_aws(value),
            PrincipalKind::Service => Name::Service(value.into()),
            PrincipalKind::Federated => Name::Federated(value.into()),
            PrincipalKind::CanonicalUser => Name::CanonicalUser,
        }
    }

    fn parse_aws(value: &str) -> Name {
        if value == "*" {
            return Name::Everyone;
        }
        if is_account_id(value) {
            return Name::Account(value.into());
        }
        match Arn::parse(value) {
            // Names are whole: with a wildcard, or a region, it is some other ARN.
            Some(arn)
                if arn.service == "iam"
                    && arn.region.is_empty()
                    && arn.resource == "root"
                    && !arn.partition.contains(['*', '?']) =>
            {
                Name::Account(arn.account.into())
            }
            Some(_) => Name::Arn(value.into()),
            None => Name::UniqueId(value.into()),
        }
    }

    /// How this value names a caller, if it does.
    fn names(&self, caller: &Principal) -> Option<Naming> {
        let same = |left: &str, right: &str, naming| (left == right).then_some(naming);
        match (self, caller) {
            (Name::Everyone, _) => Some(Naming::Direct),
            (Name::Account(account), _) => {
                (caller.account() == Some(&**account)).then_some(Naming::Account)
            }
            (Name::Arn(name), Principal::User { arn, .. }) => same(name, arn, Naming::Direct),
            (Name::Arn(name), Principal::RoleSession { session_arn, role_arn, .. }) => {
                same(name, session_arn, Naming::Direct).or(same(name, role_arn, Naming::Parent))
            }
            (Name::Arn(name), Principal::FederatedUser { arn, user_arn, .. }) => {
                let user = user_arn.as_deref().and_then(|user| same(name, user, Naming::Parent));
                same(name, arn, Naming::Direct).or(user)
            }
            // The id of a caller may be unknown, which is no name.
            (Name::UniqueId(id), _) if id.is_empty() => None,
            (Name::UniqueId(id), Principal::User { unique_id, .. }) => {
                same(id, unique_id, Naming::Direct)
            }
            (Name::UniqueId(id), Principal::RoleSession { role_id, .. }) => {
                same(id, role_id, Naming::Parent)
            }
            (Name::Service(service), Principal::Service { name }) => {
                same(service, name, Naming::Direct)
            }
            (Name::Federated(wanted), Principal::Federated { provider }) => {
                same(wanted, provider, Naming::Direct)
            }
            (
                Name::Arn(_)
                | Name::UniqueId(_)
                | Name::Service(_)
                | Name::Federated(_)
                | Name::CanonicalUser,
                _,
            ) => None,
        }
    }

    /// Whether this value, in `NotPrincipal` of a `Deny`, spares a caller: only his own, most
    /// specific form does.
    fn spares(&self, caller: &Principal) -> bool {
        match (self, caller) {
            (Name::Account(account), Principal::Root { account: own }) => **account == **own,
            _ => self.names(caller) == Some(Naming::Direct),
        }
    }
}

impl PrincipalClause {
    /// How the element lets a statement that allows reach a caller.
    pub(crate) fn allows(&self, caller: &Principal) -> Option<Naming> {
        let named = self.names.iter().filter_map(|name| name.names(caller)).max();
        match (self.negated, named) {
            (false, named) => named,
            // The discouraged `NotPrincipal` with `Allow` grants like `*`.
            (true, None) => Some(Naming::Direct),
            (true, Some(_)) => None,
        }
    }

    /// Whether a statement that denies reaches a caller.
    pub(crate) fn denies(&self, caller: &Principal) -> bool {
        if self.negated {
            caller.has_boundary() || !self.names.iter().any(|name| name.spares(caller))
        } else {
            self.names.iter().any(|name| name.names(caller).is_some())
        }
    }
}
