//! Under which address clients reach this node.

use std::sync::OnceLock;

use super::Node;

/// The address, known once the node listens.
#[derive(Debug, Default)]
pub(super) struct ExternalUrl(OnceLock<Box<str>>);

impl Node {
    /// Says under which address clients reach the node, before any of them does; a slash at its end
    /// does not count. The first one stays.
    pub fn set_external_url(&self, url: &str) {
        self.external_url.0.get_or_init(|| url.trim_end_matches('/').into());
    }

    /// The address under which clients reach the node; empty before it listens.
    pub fn external_url(&self) -> &str {
        self.external_url.0.get().map_or("", |url| url)
    }
}
