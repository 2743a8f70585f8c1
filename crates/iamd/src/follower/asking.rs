//! The way to the node: its socket on this machine, or the network.

use std::fmt;
use std::path::PathBuf;

use crate::fault::Fault;
use crate::operator::{
    self, FollowAnswer, FollowWish, Granted, Output, Progress, Remote, SOCKET_FILE, Wish,
};

/// How the node is reached.
pub enum Way {
    /// Through the operator's socket in its data folder.
    Socket(PathBuf),
    /// Over the network, with a credential for followers.
    Network(Box<Remote>),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The node cannot be reached, or does not answer now: it may later.
    Away(String),
    /// It refuses to answer.
    Refused(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::Away(reason) | Unanswered::Refused(reason) => formatter.write_str(reason),
        }
    }
}

impl From<Unanswered> for Fault {
    fn from(unanswered: Unanswered) -> Fault {
        Fault::Refused(unanswered.to_string())
    }
}

impl Way {
    pub(super) async fn ask(&self, wish: FollowWish) -> Result<FollowAnswer, Unanswered> {
        let wish = Wish::Follow(wish);
        let granted = match self {
            Way::Network(remote) => remote.try_ask(&wish).await?,
            Way::Socket(folder) => {
                let (progress, _steps) = Progress::channel();
                let answer = operator::ask(folder, &wish, &progress, &Output::none()).await;
                match answer {
                    Ok(Some(granted)) => granted,
                    Ok(None) => {
                        let path = folder.join(SOCKET_FILE);
                        let reason = format!("no node listens at {}", path.display());
                        return Err(Unanswered::Away(reason));
                    }
                    Err(Fault::Refused(reason)) => return Err(Unanswered::Refused(reason)),
                    Err(fault) => return Err(Unanswered::Away(fault.to_string())),
                }
            }
        };
        match granted {
            Granted::Followed(answer) => Ok(answer),
            _ => Err(Unanswered::Refused("the node answers something else".to_owned())),
        }
    }
}
