//! Session tokens: the text that a client sends, and the record inside.

use iamd_core::account_id::AccountId;
use iamd_core::draw::Draw;
use iamd_core::ring::{RingKeyTime, SessionKeys};
use iamd_core::session::Session;
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::Timestamp;

pub(crate) fn run(input: &[u8]) {
    let keys = SessionKeys::new([(1, RingKeyTime::ALWAYS, &[1; 32])]);
    if let Ok(token) = std::str::from_utf8(input)
        && let Ok(claimed) = "ASIAQEAAAAAAAAAAAAAA".parse::<AccessKeyId>()
    {
        assert!(keys.open(token, &claimed).is_err(), "a token that nobody sealed is open");
    }
    // Sealed, any bytes could be a record only if a key had leaked; still, reading must not panic.
    if let Ok(session) = minicbor::decode::<Session>(input) {
        sealed(&keys, &session, input);
    }
}

/// INVARIANT: a token opens as what was sealed, and not after one character changed.
fn sealed(keys: &SessionKeys, session: &Session, input: &[u8]) {
    let mut draw = Draw::new(Timestamp::from_seconds(0), [2; 32]);
    let Some(issued) = keys.seal(session, 0, &mut draw) else { return };
    let token = issued.session_token.expose();
    let opened = keys.open(token, &issued.access_key_id);
    if [AccountId::DIRECTORY, AccountId::KEYS].contains(&session.account) {
        // An id has no room for the number of a pseudo-account.
        assert!(opened.is_err(), "a session of a pseudo-account opened");
        return;
    }
    assert_eq!(opened.map(|opened| opened.session).as_ref(), Ok(session));
    let mut altered = token.to_owned().into_bytes();
    let place = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % altered.len();
    // Toggling the last bits of a character of the alphabet gives another value, or none.
    altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("ASCII");
    assert!(keys.open(&altered, &issued.access_key_id).is_err(), "an altered token is open");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that starts without a readable record would hardly find one.
    #[test]
    fn the_seeds_hold_a_record() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/session/root");
        let session = minicbor::decode::<Session>(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(session.subject, iamd_core::session::Subject::Root);
    }
}
