//! Every byte of a signed request is changed in turn.

use super::*;

/// Bytes to put in the place of another: its neighbours, other cases, and what parsers look at.
fn others(byte: u8) -> impl Iterator<Item = u8> {
    let around = [byte ^ 1, byte ^ 0x20, byte.wrapping_add(1)];
    let special = *b"\0\t\n\r %&+,-./:;=?_~aAzZ09\x7f\x80\xff";
    around.into_iter().chain(special).filter(move |other| *other != byte)
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// Every change of one byte: another, none, and one more.
fn changes(original: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (place, byte) in original.iter().enumerate() {
        for other in others(*byte) {
            let mut changed = original.to_vec();
            changed[place] = other;
            all.push(changed);
            let mut longer = original.to_vec();
            longer.insert(place, other);
            all.push(longer);
        }
        let mut shorter = original.to_vec();
        shorter.remove(place);
        all.push(shorter);
    }
    for byte in *b"a& =\0" {
        let mut longer = original.to_vec();
        longer.push(byte);
        all.push(longer);
    }
    all
}

/// The meaning of a query: what a reader of the Query protocol gets.
fn meaning(query: &str) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut pairs = Vec::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let broken = |text: &str| {
            text.match_indices('%').any(|(place, _)| {
                let digits = text.as_bytes().get(place + 1..place + 3);
                !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            })
        };
        if broken(name) || broken(value) {
            return None;
        }
        pairs.push((unescape(name), unescape(value)));
    }
    pairs.sort();
    Some(pairs)
}

/// Whatever is accepted after a change means the same as before.
#[test]
fn a_changed_query_is_accepted_only_if_it_means_the_same() {
    let query = "Action=GetUser&UserName=a%2Fb+c%3D&Empty=&Same=1&Same=2";
    let header = Signer::new("iam").header(Sent::example().query(query));
    let bare = Sent::new("GET", "/").header("host", "iam");
    let presigned = Signer::new("iam").query(bare.query(query));
    for sent in [header, presigned] {
        assert!(sent.is_accepted());
        let original = sent.query.clone().unwrap();
        let mut accepted = 0;
        for changed in changes(original.as_bytes()).into_iter().filter_map(text) {
            let same = meaning(&changed) == meaning(&original);
            let is_accepted = sent.clone().query(&changed).is_accepted();
            assert!(same || !is_accepted, "{changed}");
            accepted += usize::from(is_accepted);
        }
        assert!(accepted > 0, "a plus for a space, for one");
    }
}

#[test]
fn a_changed_method_path_or_body_is_refused() {
    let sent =
        Signer::new("iam").header(Sent { path: "/a-b/c%2Fd/".to_owned(), ..Sent::example() });
    assert!(sent.is_accepted());
    for method in changes(sent.method.as_bytes()).into_iter().filter_map(text) {
        let changed = Sent { method, ..sent.clone() };
        assert!(!changed.is_accepted(), "{}", changed.method);
    }
    for body in changes(&sent.body) {
        let changed = Sent { body, ..sent.clone() };
        assert!(!changed.is_accepted());
    }
    for path in changes(sent.path.as_bytes()).into_iter().filter_map(text) {
        let same = path.replace("//", "/") == sent.path;
        let changed = Sent { path, ..sent.clone() };
        assert_eq!(changed.is_accepted(), same, "{}", changed.path);
    }
}

#[test]
fn a_changed_header_is_refused() {
    let sent =
        Signer::new("iam").header(Sent::example().header("x-other", "a  b").header("x-other", "c"));
    assert!(sent.is_accepted());
    let collapsed = |value: &[u8]| -> Vec<u8> {
        let words =
            value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(&b' ')
    };
    for place in 0..sent.headers.len() {
        let (name, value) = &sent.headers[place];
        let is_signed = name != "user-agent" && name != "authorization";
        for changed in changes(value) {
            if name == "authorization" {
                continue;
            }
            let same = !is_signed || collapsed(&changed) == collapsed(value);
            let mut sent = sent.clone();
            sent.headers[place].1 = changed;
            assert_eq!(sent.is_accepted(), same, "{sent:?}");
        }
        for changed in changes(name.as_bytes()).into_iter().filter_map(text) {
            if !is_signed {
                continue;
            }
            let mut sent = sent.clone();
            sent.headers[place].0 = changed;
            assert!(!sent.is_accepted(), "{sent:?}");
        }
        if is_signed {
            let mut without = sent.clone();
            without.headers.remove(place);
            assert!(!without.is_accepted());
        }
    }
    let mut swapped = sent.clone();
    let count = swapped.headers.len();
    swapped.headers.swap(count - 2, count - 3);
    assert_eq!(swapped.headers[count - 3].0, "x-other");
    assert!(!swapped.is_accepted(), "values of one name keep their order");
}

/// A changed `Authorization` header is accepted only where the change says nothing.
#[test]
fn a_changed_authorization_is_refused() {
    let sent = Signer::new("iam").header(Sent::example());
    let (_, value) = sent.headers.last().unwrap();
    let words = |value: &[u8]| -> Vec<Vec<u8>> {
        let words =
            value.split(|byte| matches!(byte, b' ' | b'\t' | b',')).filter(|word| !word.is_empty());
        words.map(<[u8]>::to_vec).collect()
    };
    for changed in changes(value) {
        // Another access key id is another key; its secret is the caller's to know.
        let key_id = |value: &[u8]| {
            let text = String::from_utf8_lossy(value).into_owned();
            let (_, rest) = text.split_once("Credential=")?;
            Some(rest.split_once('/')?.0.to_owned())
        };
        if key_id(&changed) != key_id(value) {
            continue;
        }
        let same = words(&changed) == words(value);
        let mut sent = sent.clone();
        sent.headers.last_mut().unwrap().1.clone_from(&changed);
        let is_accepted = sent.is_accepted();
        assert!(same || !is_accepted, "{}", String::from_utf8_lossy(&changed));
    }
}

#[test]
fn a_key_of_another_date_region_service_or_secret_is_refused() {
    let sent = Signer::new("iam").header(Sent::example());
    let secret = |text: &str| Secret::from(text.to_owned());
    sent.with(|request| {
        let claim = Claim::read(request).unwrap();
        let verify = |key: &SigningKey| {
            let now = Timestamp::from_seconds(NOW);
            claim.verify(request, key, &Rules::of(Service::Iam), now)
        };
        let right = SigningKey::derive(&secret(SECRET), "20150830", "us-east-1", "iam");
        assert_eq!(verify(&right), Ok(()));
        for wrong in [
            SigningKey::derive(&secret(SECRET), "20150831", "us-east-1", "iam"),
            SigningKey::derive(&secret(SECRET), "20150830", "us-east-2", "iam"),
            SigningKey::derive(&secret(SECRET), "20150830", "us-east-1", "sts"),
            SigningKey::derive(&secret(&SECRET[1..]), "20150830", "us-east-1", "iam"),
            SigningKey::derive(&secret(""), "20150830", "us-east-1", "iam"),
        ] {
            assert!(verify(&wrong).is_err());
        }
    });
}
