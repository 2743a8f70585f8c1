//! Founding accounts on a running node: the operator's part of the rules.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::audit::Event;
use iamd_core::founding::{self, FirstKey, FirstKeyOwner, Founded, NewAccount};
use iamd_core::refusal::Refusal;
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::node::{Drafted, Failure, Node};
use crate::{entropy, password};

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

/// Founds an account.
///
/// # Errors
/// [`Fault::Refused`] when something in the order is taken or is not what it should be.
pub async fn found(node: &Arc<Node>, order: Order) -> Result<NewAccountFacts, Fault> {
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
    let shown = serde_json::json!({
        "accountId": id.to_string(), "rootEmail": order.root_email, "keyOwner": order.key_owner,
    });
    let event = Event::operator("CreateAccount", &shown, &entropy::request_id()?);
    let founded = commit(node, id, event, new).await?;
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

async fn commit(
    node: &Arc<Node>,
    id: AccountId,
    event: Event,
    new: NewAccount,
) -> Result<Founded, Fault> {
    let plan = Box::new(move |snapshot: &crate::node::Snapshot, node: &Node| {
        let founded = founding::found(&snapshot.state, &new, &mut node.draw()?)?;
        let elements = serde_json::json!({"accountId": founded.account.to_string()});
        let elements = Some(elements.to_string());
        Ok(Drafted::new(founded.changes.clone(), founded).showing(elements))
    });
    match node.write_directory(id, event, plan).await {
        Ok(done) => Ok(done.answer),
        Err(Failure::Refused(refusal)) => Err(refused(refusal)),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// What an operator reads of a refusal.
pub(crate) fn refused(refusal: Refusal) -> Fault {
    Fault::Refused(refusal.message.unwrap_or_else(|| refusal.code.code().to_owned()))
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
