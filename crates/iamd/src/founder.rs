//! Founding accounts on a running node: the operator's part of the rules.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::founding::{self, FirstKey, FirstKeyOwner, NewAccount};
use iamd_core::operator::{CreateAccount, Operator};
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::node::Node;
use crate::operator::{carry_out, refused};
use crate::password;

/// What an operator says of a new account.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The number, 12 digits; drawn if absent.
    pub account_id: Option<String>,
    /// Root's e-mail address.
    pub root_email: String,
    /// Root's password; drawn if absent.
    pub root_password: Option<Secret>,
    /// The first access key, if it is to be predictable, with `secret_access_key`.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
    /// Whose it is: `root`, or the name of a user who becomes administrator; no key if absent.
    pub key_owner: Option<String>,
}

/// A new account with everything that is shown once.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct NewAccountFacts {
    /// Its number.
    pub account_id: String,
    /// Root's e-mail address.
    pub root_email: String,
    /// Root's password.
    pub root_password: Secret,
    /// Whose the first access key is, if there is one.
    pub key_owner: Option<String>,
    /// The first access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
}

/// Founds an account, as whoever is on the machine.
///
/// # Errors
/// [`Fault::Refused`] when something in the order is taken or is not what it should be.
pub async fn found(node: &Arc<Node>, order: Order) -> Result<NewAccountFacts, Fault> {
    found_by(node, &Operator::Machine, order).await
}

/// Founds an account.
///
/// # Errors
/// As [`found`], and when the operator may not.
pub async fn found_by(
    node: &Arc<Node>,
    operator: &Operator,
    order: Order,
) -> Result<NewAccountFacts, Fault> {
    let wanted = order.account_id.as_deref().map(parse_account_id).transpose()?;
    // The number must be known before the queues of the account are taken.
    let id = founding::free_account_id(&node.snapshot().state, wanted, &mut node.draw()?)
        .map_err(refused)?;
    let predictable = predictable(&order)?;
    let first_key = order.key_owner.as_deref().map(|owner| FirstKey {
        owner: match owner {
            "root" => FirstKeyOwner::Root,
            name => FirstKeyOwner::Administrator(name.to_owned()),
        },
        predictable,
    });
    let password = match &order.root_password {
        Some(password) => password.clone(),
        None => password::draw()?,
    };
    let new = NewAccount {
        id: Some(id),
        root_email: order.root_email.clone(),
        root_password_hash: password::hash(password.clone()).await?,
        first_key,
    };
    let founded = carry_out(node, operator, CreateAccount::new(id, new)).await?;
    let (access_key_id, secret_access_key) =
        founded.first_key.map(|key| (key.id.to_string(), key.secret)).unzip();
    Ok(NewAccountFacts {
        account_id: founded.account.to_string(),
        root_email: order.root_email,
        root_password: password,
        key_owner: order.key_owner,
        access_key_id,
        secret_access_key,
    })
}

/// An account number as people write it.
///
/// # Errors
/// [`Fault::Refused`]
pub fn parse_account_id(text: &str) -> Result<AccountId, Fault> {
    text.parse()
        .map_err(|_| Fault::Refused(format!("`{text}` is not an account id: 12 digits are")))
}

fn predictable(order: &Order) -> Result<Option<(AccessKeyId, Secret)>, Fault> {
    match (&order.access_key_id, &order.secret_access_key) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let parsed = id.parse().map_err(|_| {
                Fault::Refused(format!(
                    "`{id}` is not an access key id: 16 to 128 letters, digits or _"
                ))
            })?;
            let text = secret.expose();
            let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
            if !(1..=SECRET_LENGTH_MAX).contains(&text.len()) || !is_printable {
                return Err(Fault::Refused(format!(
                    "a secret access key has 1 to {SECRET_LENGTH_MAX} printable ASCII characters"
                )));
            }
            Ok(Some((parsed, secret.clone())))
        }
        (Some(_), None) | (None, Some(_)) => Err(Fault::Refused(
            "an access key id and its secret access key go together; give both or neither"
                .to_owned(),
        )),
    }
}

/// Longest predictable secret, in characters.
// CHOICE: AWS's have 40; this leaves room for whatever a test configuration already holds.
const SECRET_LENGTH_MAX: usize = 128;
