//! The operations of STS: one `impl Operation` each.

mod access_key_info;
mod assume_role;
mod assume_root;
mod authorization_message;
mod caller_identity;
mod credentials;
mod mfa;
mod session_tag;
mod session_token;

#[cfg(test)]
mod tests;
