//! Who uses a managed policy.

use crate::name::FoldedName;

/// The users, groups and roles that use one managed policy, by folded name.
#[derive(Debug, Clone, Default)]
pub struct PolicyUse {
    /// Users it is attached to.
    pub users: imbl::OrdSet<FoldedName>,
    /// Groups it is attached to.
    pub groups: imbl::OrdSet<FoldedName>,
    /// Roles it is attached to.
    pub roles: imbl::OrdSet<FoldedName>,
    /// Users whose permissions boundary it is.
    pub bounded_users: imbl::OrdSet<FoldedName>,
    /// Roles whose permissions boundary it is.
    pub bounded_roles: imbl::OrdSet<FoldedName>,
}

impl PolicyUse {
    /// To how many entities the policy is attached.
    pub fn attachments(&self) -> usize {
        self.users.len() + self.groups.len() + self.roles.len()
    }

    /// Of how many entities the policy is the permissions boundary.
    pub fn boundaries(&self) -> usize {
        self.bounded_users.len() + self.bounded_roles.len()
    }

    /// Whether nobody uses it.
    pub fn is_empty(&self) -> bool {
        self.attachments() == 0 && self.boundaries() == 0
    }
}
