//! Names that keep their letter case but are unique without regard to it.

use std::fmt;

use smol_str::SmolStr;

/// The form of a name by which it is unique inside an account: ASCII lower case.
///
/// Names of IAM entities are ASCII by their patterns. Source: IAM User Guide, "IAM identifiers",
/// "names are unique ... not distinguished by case".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FoldedName(SmolStr);

impl FoldedName {
    /// Folds a name as given by a client or kept in an entity.
    pub fn of(name: &str) -> FoldedName {
        let is_folded = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        FoldedName(if is_folded { name.into() } else { name.to_ascii_lowercase().into() })
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FoldedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
