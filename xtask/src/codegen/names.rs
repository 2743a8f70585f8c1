//! Rust names from AWS names.

/// `MFADevices` becomes `mfa_devices`.
pub(super) fn field(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut field = String::new();
    for (place, character) in characters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| characters.get(place));
        let after = characters.get(place + 1);
        let starts_word = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || after.is_some_and(char::is_ascii_lowercase)
            });
        if starts_word && !field.ends_with('_') {
            field.push('_');
        }
        field.push(character.to_ascii_lowercase());
    }
    match field.as_str() {
        "type" => "r#type".to_owned(),
        _ => field,
    }
}

/// `statusType` becomes `STATUS_TYPE`.
pub(super) fn constant(shape: &str) -> String {
    field(shape).trim_start_matches("r#").to_ascii_uppercase()
}

/// `statusType` becomes `StatusType`.
pub(super) fn type_name(shape: &str) -> String {
    let mut characters = shape.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// `IN_PROGRESS` becomes `InProgress`, `AWS` becomes `Aws`, `text/csv` becomes `TextCsv`.
pub(super) fn variant(value: &str) -> String {
    let words = value.split(|character: char| !character.is_ascii_alphanumeric());
    let name: String = words.map(word).collect();
    if name.starts_with(|character: char| character.is_ascii_digit()) {
        format!("N{name}")
    } else {
        name
    }
}

fn word(word: &str) -> String {
    let shouted =
        word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let rest: String = word.chars().skip(1).collect();
    let first = word.chars().take(1).map(|first| first.to_ascii_uppercase());
    first.chain(if shouted { rest.to_ascii_lowercase() } else { rest }.chars()).collect()
}
